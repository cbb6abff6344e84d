import type { GraphBuilder } from '../builder.js';
import { type Dim, dimEquals, isSymbolic } from '../dim.js';
import { SecateurError } from '../errors.js';
import { type Graph, type GraphNode, int } from '../graph.js';
import type { GradientContext, ValueType } from '../op-record.js';
import { int64 } from '../tensor.js';

/** What all nodes of one backward pass share. */
export interface BackwardPass {
  readonly graph: Graph;
  readonly builder: GraphBuilder;
  readonly types: ReadonlyMap<string, ValueType>;
  /** Values whose gradient leads to a wanted one. */
  readonly wanted: ReadonlySet<string>;
  /** Names of shapes made already, as constants by their text or as Shape nodes by the value they are read from. */
  readonly shapes: Map<string, string>;
}

/** What `node`'s gradient rule sees. */
export function gradientContext(
  pass: BackwardPass,
  node: GraphNode,
  outputGradients: readonly (string | undefined)[],
): GradientContext {
  const { graph, builder, types, wanted } = pass;
  const input = (i: number): ValueType => {
    const type = types.get(node.inputs[i]);
    if (type) return type;
    throw new SecateurError('BAD_FILE', `${node.op} "${node.name}" needs input ${i}, which is left out.`, {
      field: node.name,
    });
  };
  return {
    node,
    opset: graph.opset,
    builder,
    outputGradients,
    wants: (i) => wanted.has(node.inputs[i] ?? ''),
    input,
    output: (k) => types.get(node.outputs[k])!,
    constant: (i) => graph.constants.get(node.inputs[i] ?? '')?.value,
    reduceTo: (gradient, from, i) => reduceTo(builder, gradient, from, input(i).shape),
    shapeValue: (dims, like) => shapeValue(pass, dims, like),
    fail: (message) => {
      throw new SecateurError('NO_GRADIENT', `${node.op} "${node.name}" cannot be differentiated: ${message}.`, {
        field: node.name,
      });
    },
  };
}

function shapeValue({ builder, shapes }: BackwardPass, dims: readonly Dim[], like: string): string {
  const isKnown = !dims.some(isSymbolic);
  const key = isKnown ? `[${dims}]` : `Shape ${like}`;
  let name = shapes.get(key);
  if (name === undefined) {
    name = isKnown ? builder.tensor(int64(dims as number[]), 'shape') : builder.op('Shape', [like]);
    shapes.set(key, name);
  }
  return name;
}

/** Sums over the axes along which a value of shape `to` was repeated to shape `from`. */
function reduceTo(builder: GraphBuilder, gradient: string, from: readonly Dim[], to: readonly Dim[]): string {
  const lead = from.length - to.length;
  const repeated = from.flatMap((dim, axis) => {
    if (axis < lead) return [axis];
    return to[axis - lead] === 1 && !dimEquals(dim, 1) ? [axis] : [];
  });
  if (repeated.length === 0) return gradient;
  const axes = builder.ints(repeated);
  // Leading axes go; the others stay with size 1.
  if (repeated.every((axis) => axis < lead)) return builder.op('ReduceSum', [gradient, axes], { keepdims: int(0) });
  const sum = builder.op('ReduceSum', [gradient, axes], { keepdims: int(1) });
  return lead === 0 ? sum : builder.op('Squeeze', [sum, builder.ints(Array.from({ length: lead }, (_, i) => i))]);
}
