import type { SlotContext } from '../coupling/slot-context.js';
import { addDims, type Dim, floorDivideDims, isSymbolic, productOfDims, subtractDims, symbol } from '../dim.js';
import { type GraphNode, getInt } from '../graph.js';
import { defineOp, type InferContext, type OpRecord, type ValueType } from '../op-record.js';
import { allocate, castTensor, float32, int64, sizeOf, type Tensor, tensor, toNumbers } from '../tensor.js';
import { intType, knownNumbers, uncut } from './views.js';

/** Every axis of the output is new and cannot be cut. */
function uncutOutput(context: SlotContext, reason: string): void {
  context.set(
    0,
    context.output(0).shape.map((dim) => uncut(context, dim, reason)),
  );
}

const shape = defineOp({
  op: 'Shape',
  infer(context) {
    const dims = shapeRange(context.node, context.input(0).shape);
    return [intType('int64', [dims.length], dims)];
  },
  slots: (context) => uncutOutput(context, 'a shape'),
  gradient: 'none',
  evaluate: (context) => [int64(shapeRange(context.node, context.input(0).shape))],
});

function shapeRange<T extends Dim>(node: GraphNode, dims: readonly T[]): T[] {
  return dims.slice(getInt(node, 'start', 0), getInt(node, 'end', dims.length));
}

const size = defineOp({
  op: 'Size',
  infer: (context) => [intType('int64', [], [productOfDims(context.input(0).shape)])],
  slots: (context) => uncutOutput(context, 'a size'),
  gradient: 'none',
  evaluate: (context) => [int64([sizeOf(context.input(0).shape)], [])],
});

const constant = defineOp({
  op: 'Constant',
  infer(context) {
    const value = constantValue(context.node, context.fail);
    return [intType(value.dtype, value.shape, integersOf(value))];
  },
  slots: (context) => uncutOutput(context, 'a constant inside the graph'),
  gradient: 'none',
  evaluate: (context) => [
    constantValue(context.node, (message) => {
      throw new Error(message);
    }),
  ],
});

function constantValue(node: GraphNode, fail: (message: string) => never): Tensor {
  const { value, value_float, value_floats, value_int, value_ints } = node.attributes;
  if (value?.type === 'tensor') return value.value;
  if (value_int?.type === 'int') return int64([value_int.value], []);
  if (value_ints?.type === 'ints') return int64(value_ints.value);
  if (value_float?.type === 'float') return float32([], [value_float.value]);
  if (value_floats?.type === 'floats') return float32([value_floats.value.length], value_floats.value);
  return fail(
    `has none of value, value_int, value_ints, value_float, value_floats (has ${Object.keys(node.attributes)})`,
  );
}

function integersOf(value: Tensor): readonly number[] | undefined {
  return value.dtype === 'int64' || value.dtype === 'int32' ? toNumbers(value) : undefined;
}

const constantOfShape = defineOp({
  op: 'ConstantOfShape',
  infer(context) {
    const fill = fillValue(context.node);
    const dims = context.elements(0) ?? unknownDims(context, context.input(0));
    const length = dims.length === 0 ? 1 : dims.length === 1 && typeof dims[0] === 'number' ? dims[0] : undefined;
    const first = integersOf(fill)?.[0];
    const known = first !== undefined && length !== undefined && length <= 64;
    return [intType(fill.dtype, dims, known ? new Array<number>(length).fill(first) : undefined)];
  },
  slots: (context) => uncutOutput(context, 'filled with a constant to a fixed size'),
  gradient: 'none',
  evaluate(context) {
    const fill = fillValue(context.node);
    const dims = toNumbers(context.input(0));
    const data = allocate(fill.dtype, sizeOf(dims));
    (data as Float32Array).fill(fill.data[0] as number);
    return [tensor(fill.dtype, dims, data)];
  },
});

function fillValue(node: GraphNode): Tensor {
  const { value } = node.attributes;
  return value?.type === 'tensor' ? value.value : float32([1], [0]);
}

function unknownDims(context: InferContext, type: ValueType): Dim[] {
  const rank = type.shape[0];
  if (typeof rank !== 'number') context.fail('the rank of its shape is not known before running');
  return Array.from({ length: rank as number }, (_, i) => unknownDim(context, i));
}

/** A new symbol for a dimension that only a run can tell. */
export function unknownDim(context: InferContext, i: number): Dim {
  return symbol(`${context.node.outputs[0].replace(/[^\w.]/g, '_')}_dim${i}`);
}

const range = defineOp({
  op: 'Range',
  infer(context) {
    const { dtype } = context.input(0);
    const [start, limit, delta] = [0, 1, 2].map((i) => context.elements(i)?.[0] ?? floatAt(context, i));
    if (start === undefined || limit === undefined || delta === undefined)
      return [{ dtype, shape: [unknownDim(context, 0)] }];
    if (isSymbolic(start) || isSymbolic(limit) || isSymbolic(delta)) {
      const span = subtractDims(limit, start);
      return [{ dtype, shape: [delta === 1 ? span : floorDivideDims(addDims(span, subtractDims(delta, 1)), delta)] }];
    }
    if (delta === 0) context.fail('its step is 0');
    const length = Math.max(0, Math.ceil((limit - start) / delta));
    const known = length <= 64 && [0, 1, 2].every((i) => knownNumbers(context, i));
    return [intType(dtype, [length], known ? Array.from({ length }, (_, i) => start + i * delta) : undefined)];
  },
  slots: (context) => uncutOutput(context, 'a range'),
  gradient: 'none',
  evaluate(context) {
    const [start, limit, delta] = [0, 1, 2].map((i) => Number(context.input(i).data[0]));
    const length = Math.max(0, Math.ceil((limit - start) / delta));
    const values = Float64Array.from({ length }, (_, i) => start + i * delta);
    return [castTensor(tensor('float64', [length], values), context.input(0).dtype)];
  },
});

function floatAt(context: InferContext, i: number): number | undefined {
  const value = context.constant(i);
  return value && Number(castTensor(value, 'float64').data[0]);
}

export const generateOps: readonly OpRecord[] = [shape, size, constant, constantOfShape, range];
