import type { GraphIndex } from '../depth/graph-index.js';
import type { GroupSlice } from './groups.js';

/** Operators that treat hidden units one by one, or lay them side by side, between the two linears of a feed-forward. */
const betweenLinears = new Set(
  (
    'Abs Add Cast Clip Concat Div Elu Erf Exp Gelu HardSigmoid HardSwish Identity LeakyRelu Max Min Mish Mul Neg Pow ' +
    'Reciprocal Relu Reshape Sigmoid Slice Softplus Split Sqrt Squeeze Sub Swish Tanh Unsqueeze Where'
  ).split(' '),
);

/**
 * Whether the units of a group of channels are neurons: hidden indices of a feed-forward of linears (plain, gated by its
 * own second half, or gated by a second linear), which nothing but the one linear behind it reads. A stream with a norm
 * or a residual connection has other readers; channels of a single attention head meet other values on their way.
 */
export function areNeurons(index: GraphIndex, slices: readonly GroupSlice[]): boolean {
  const { constants } = index.graph;
  const of = (role: string) => slices.filter((slice) => slice.role === role);
  const [producers, consumers, biases] = [of('producer'), of('consumer'), of('bias')];
  if (consumers.length !== 1 || producers.length < 1 || producers.length > 2) return false;
  if (producers.length + consumers.length + biases.length !== slices.length) return false;
  if ([...producers, ...consumers].some(({ value }) => constants.get(value)!.shape.length !== 2)) return false;
  const outputs = new Set(index.graph.outputs.map(({ name }) => name));
  const seen = new Set<number>();
  const left = producers.map(({ value }) => index.number(value));
  while (left.length > 0) {
    const value = left.pop()!;
    if (seen.has(value)) continue;
    seen.add(value);
    if (outputs.has(index.names[value])) return false;
    for (const at of index.readers[value]) {
      const { op, domain } = index.graph.nodes[at];
      // Of a constant: it is transposed on the way to its linear, or read by it.
      const isWeight = index.isConstant[value];
      if (op === 'MatMul' || op === 'Gemm') {
        if (index.inputs[at].every((input) => !index.isConstant[input])) return false;
        // Of an activation: the linear behind, where the hidden units end.
        if (!isWeight) continue;
      } else if (!isWeight && (domain !== '' || !betweenLinears.has(op))) return false;
      left.push(...index.outputs[at]);
    }
  }
  return true;
}
