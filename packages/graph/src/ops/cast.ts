import type { Dim } from '../dim.js';
import { getInt } from '../graph.js';
import { defineOp, type GradientContext, type InferContext, type OpRecord, type ValueType } from '../op-record.js';
import { castTensor, type DType, isFloat, type Tensor } from '../tensor.js';
import { backwardOf } from './backward.js';
import { dtypeByNumber } from './element-types.js';
import { intType } from './views.js';

/** Element types in which every size up to 2^31 is exact: through these, shape arithmetic is followed. */
const exact: ReadonlySet<DType> = new Set(['int32', 'int64', 'uint32', 'uint64', 'float64']);

function casted(context: InferContext, dtype: DType): ValueType[] {
  const elements = context.elements(0);
  const known = elements && (exact.has(dtype) || (dtype === 'float32' && elements.every(isExactFloat32)));
  return [intType(dtype, context.input(0).shape, known ? elements : undefined)];
}

/** Symbolic sizes are taken to be below 2^24, as every size of a picture or a sequence is. */
function isExactFloat32(element: Dim): boolean {
  return typeof element !== 'number' || Math.abs(element) <= 2 ** 24;
}

/** Gradients go back in the input's own dtype. Integers have none. */
function castBack(context: GradientContext): (string | undefined)[] {
  const g = context.outputGradients[0];
  if (!g || !context.wants(0)) return [undefined];
  const [from, to] = [context.input(0).dtype, context.output(0).dtype];
  return [from === to ? g : backwardOf(context).cast(g, from)];
}

/** In a double-precision evaluation every float is a float64, so a cast between floats must not round. */
function convert(x: Tensor, dtype: DType): Tensor {
  return x.dtype === 'float64' && isFloat(dtype) ? x : castTensor(x, dtype);
}

const cast = defineOp({
  op: 'Cast',
  infer(context) {
    const number = getInt(context.node, 'to', 0);
    const dtype = dtypeByNumber.get(number);
    if (!dtype)
      return context.fail(`casts to element type ${number}; one of ${[...dtypeByNumber.keys()].join(', ')} expected`);
    return casted(context, dtype);
  },
  slots: (context) => context.set(0, context.axes(0)),
  gradient: castBack,
  evaluate: (context) => [convert(context.input(0), dtypeByNumber.get(getInt(context.node, 'to', 0))!)],
});

const castLike = defineOp({
  op: 'CastLike',
  infer: (context) => casted(context, context.input(1).dtype),
  slots: (context) => context.set(0, context.axes(0)),
  gradient: (context) => [...castBack(context), undefined],
  evaluate: (context) => [convert(context.input(0), context.input(1).dtype)],
});

export const castOps: readonly OpRecord[] = [cast, castLike];
