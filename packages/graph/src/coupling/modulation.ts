import type { GraphIndex } from '../depth/graph-index.js';
import { isSymbolic } from '../dim.js';
import { type GraphNode, getInt, getInts } from '../graph.js';
import { sizeOf } from '../tensor.js';
import type { SlotFlow } from './flow.js';
import type { Group, GroupSlice } from './groups.js';
import type { Role } from './slot-context.js';

/**
 * Outputs of one linear that makes scales, shifts and gates out of a conditioning vector, as groups of kind `modulation`.
 * Removing one leaves what it modulates as wide as it was: the output becomes a zero that is not computed.
 */
export interface Modulation extends Group {
  readonly kind: 'modulation';
  /** The linear's result, bias added. */
  readonly value: string;
}

/** Operators through which an output stays the same index of a vector. */
const views = new Set([
  'Cast',
  'Flatten',
  'Gather',
  'Identity',
  'Pad',
  'Reshape',
  'Slice',
  'Split',
  'Squeeze',
  'Unsqueeze',
]);
const combining = new Set(['Add', 'Div', 'Mul', 'Sub']);
const elementwise = new Set(['Neg', 'Sigmoid', 'Softplus', 'Tanh']);
const chunking = new Set(['Gather', 'Slice', 'Split']);

/** Finds the linears of a graph whose outputs are dealt to chunks, each of which is broadcast over tokens or pixels. */
export function findModulations(flow: SlotFlow, index: GraphIndex): Modulation[] {
  return index.graph.nodes.flatMap((node, at) => {
    const linear = linearAt(index, node, at);
    if (!linear || !isVector(flow, index.names[linear.input])) return [];
    if (!modulates(flow, index, linear.output)) return [];
    const size = index.graph.constants.get(linear.weight.value)!.shape[linear.weight.axis];
    const slices = [sliceOf(index, linear.weight, 'producer', size)];
    if (linear.bias) slices.push(sliceOf(index, linear.bias, 'bias', size));
    const id = `${slices[0].tensor}:${slices[0].axis}:modulation`;
    return size < 2 ? [] : [{ id, kind: 'modulation', size, slices, value: index.names[linear.output] }];
  });
}

interface OutputAxis {
  readonly value: string;
  readonly axis: number;
}

interface Linear {
  readonly input: number;
  readonly output: number;
  readonly weight: OutputAxis;
  readonly bias?: OutputAxis;
}

function linearAt(index: GraphIndex, node: GraphNode, at: number): Linear | undefined {
  if (node.domain !== '' || (node.op !== 'Gemm' && node.op !== 'MatMul')) return undefined;
  const [input, matrix] = node.inputs.map((name) => index.number(name));
  if (index.isConstant[input] || getInt(node, 'transA', 0) === 1) return undefined;
  const weight = weightBehind(index, matrix, node.op === 'Gemm' && getInt(node, 'transB', 0) === 1 ? 0 : 1);
  if (!weight) return undefined;
  const [product] = index.outputs[at];
  if (node.op === 'Gemm') {
    const bias = node.inputs[2] ? parameterAt(index, node.inputs[2]) : undefined;
    return node.inputs[2] && !bias ? undefined : { input, output: product, weight, bias };
  }
  const [next, ...others] = index.readers[product];
  const sum = next === undefined || others.length > 0 ? undefined : index.graph.nodes[next];
  const other = sum?.op === 'Add' ? sum.inputs.find((name) => name !== index.names[product]) : undefined;
  const bias = other === undefined ? undefined : parameterAt(index, other);
  if (!bias || bias.size !== index.graph.constants.get(weight.value)!.shape[weight.axis])
    return { input, output: product, weight };
  return { input, output: index.outputs[next][0], weight, bias };
}

/** The matrix of a linear, stored as it is or transposed, and the axis of its outputs. */
function weightBehind(index: GraphIndex, matrix: number, axis: number): OutputAxis | undefined {
  const producer = index.producer(matrix);
  const isTransposed = producer?.op === 'Transpose' && (getInts(producer, 'perm') ?? [1, 0]).join() === '1,0';
  const value = isTransposed ? producer.inputs[0] : index.names[matrix];
  const constant = index.graph.constants.get(value);
  if (!constant?.parameter || constant.shape.length !== 2 || index.readers[index.number(value)].length !== 1)
    return undefined;
  return { value, axis: isTransposed ? 1 - axis : axis };
}

function parameterAt(index: GraphIndex, value: string): (OutputAxis & { size: number }) | undefined {
  const constant = index.graph.constants.get(value);
  if (!constant?.parameter || constant.shape.length !== 1 || index.readers[index.number(value)].length !== 1)
    return undefined;
  return { value, axis: 0, size: sizeOf(constant.shape) };
}

/** Whether a value is one vector for every sample: `[batch, width]` or `[batch, 1, width]`. */
function isVector({ types }: SlotFlow, value: string): boolean {
  const { shape } = types.get(value)!;
  return shape.length >= 2 && shape.slice(1, -1).every((dim) => dim === 1) && !isSymbolic(shape[shape.length - 1]);
}

/** Whether a vector is cut into chunks all of which end in a sum or product with something larger. */
function modulates({ types }: SlotFlow, index: GraphIndex, output: number): boolean {
  let isChunked = false;
  const seen = new Set<number>();
  const left = [output];
  while (left.length > 0) {
    const value = left.pop()!;
    if (seen.has(value)) continue;
    seen.add(value);
    const readers = index.readers[value];
    if (readers.length === 0 && index.graph.outputs.some(({ name }) => name === index.names[value])) return false;
    for (const at of readers) {
      const node = index.graph.nodes[at];
      if (node.op === 'Shape') continue;
      if (node.domain !== '') return false;
      if (combining.has(node.op)) {
        const others = index.inputs[at].filter((input) => input !== value);
        const isLarger = others.some(
          (other) =>
            !index.isConstant[other] &&
            broadcasts(types.get(index.names[value])!.shape, types.get(index.names[other])!.shape),
        );
        if (isLarger) continue;
        if (others.some((other) => !index.isConstant[other])) return false;
      } else if (chunking.has(node.op)) isChunked = true;
      else if (!views.has(node.op) && !elementwise.has(node.op)) return false;
      left.push(...index.outputs[at]);
    }
  }
  return isChunked;
}

/** Whether `small` is read again and again along some dimension of `large`. */
function broadcasts(small: readonly unknown[], large: readonly unknown[]): boolean {
  const offset = large.length - small.length;
  return large.some((dim, axis) => dim !== 1 && axis > 0 && (axis < offset || small[axis - offset] === 1));
}

function sliceOf(index: GraphIndex, { value, axis }: OutputAxis, role: Role, size: number): GroupSlice {
  const { parameter } = index.graph.constants.get(value)!;
  const indices = Int32Array.from({ length: size }, (_, i) => i);
  return {
    tensor: parameter!.name,
    value,
    axis: parameter!.axes[axis] ?? axis,
    valueAxis: axis,
    role,
    perUnit: 1,
    indices,
  };
}
