import type { GraphBuilder } from '../builder.js';
import { type Dim, isSymbolic, productOfDims } from '../dim.js';
import { SecateurError } from '../errors.js';
import { type Attribute, int, ints } from '../graph.js';
import type { ValueType } from '../op-record.js';
import { scalarTensor } from '../ops/backward.js';
import { dtypeNumber } from '../ops/element-types.js';
import type { DType } from '../tensor.js';

/** What is differentiated. */
export type Loss =
  /**
   * Mean of `(output - target)^2` over all elements; `target` names the new input, `target` by default. With
   * `sampleWeights`, the name of one more new input `[batch]`, the sum over samples of weight times the sample's mean.
   */
  | { readonly kind: 'mse'; readonly output: string; readonly target?: string; readonly sampleWeights?: string }
  /** Sum of `output * cotangent`, a vector-Jacobian product; `cotangent` names the new input. */
  | { readonly kind: 'sum-with'; readonly output: string; readonly cotangent: string };

/**
 * Adds the loss' nodes, its new input (dtype and shape of the loss' output) and the outputs `loss` `[]` and
 * `loss.samples` `[batch]`.
 *
 * @returns gradient of the loss with respect to its output
 * @throws {SecateurError} BAD_OPTION when the output has no batch axis
 */
export function addLoss(builder: GraphBuilder, opset: number, loss: Loss, type: ValueType): string {
  const { dtype, shape } = type;
  if (shape.length === 0) {
    throw new SecateurError('BAD_OPTION', `Loss output "${loss.output}" is a scalar; rank 1 or more expected.`, {
      field: loss.output,
    });
  }
  const other = builder.input(loss.kind === 'mse' ? (loss.target ?? 'target') : loss.cotangent, dtype, shape);
  return builder.scope('loss', () =>
    loss.kind === 'mse'
      ? addMse(builder, opset, loss.output, other, type, loss.sampleWeights)
      : addSum(builder, opset, loss.output, other, type),
  );
}

function addMse(
  builder: GraphBuilder,
  opset: number,
  output: string,
  target: string,
  type: ValueType,
  sampleWeights: string | undefined,
): string {
  const weights = sampleWeights && builder.input(sampleWeights, type.dtype, [type.shape[0]]);
  const difference = builder.op('Sub', [output, target]);
  const wide = widened(builder, difference, type.dtype);
  const squares = builder.op('Mul', [wide.value, wide.value]);
  if (!weights) {
    addOutputs(builder, opset, 'ReduceMean', squares, wide.dtype, type.shape);
    return builder.op('Mul', [difference, twoOverSize(builder, output, type)]);
  }
  addOutputs(
    builder,
    opset,
    'ReduceMean',
    squares,
    wide.dtype,
    type.shape,
    widened(builder, weights, type.dtype).value,
  );
  // Mean over a sample is mean over all times the batch: d/dx is 2 / size * batch * weight * difference.
  const perSample = builder.op('Mul', [weights, twoOverSize(builder, output, type, type.shape.slice(1))]);
  const column = builder.op('Reshape', [perSample, builder.ints([-1, ...type.shape.slice(1).map(() => 1)])]);
  return builder.op('Mul', [difference, column]);
}

function addSum(builder: GraphBuilder, opset: number, output: string, cotangent: string, type: ValueType): string {
  const wide = [output, cotangent].map((value) => widened(builder, value, type.dtype));
  const product = builder.op('Mul', [wide[0].value, wide[1].value]);
  addOutputs(builder, opset, 'ReduceSum', product, wide[0].dtype, type.shape);
  return cotangent;
}

/** Sums over a whole picture overflow half precision. */
function widened(builder: GraphBuilder, value: string, dtype: DType): { value: string; dtype: DType } {
  if (dtype !== 'float16' && dtype !== 'bfloat16') return { value, dtype };
  return { value: builder.op('Cast', [value], { to: int(dtypeNumber('float32')) }), dtype: 'float32' };
}

/**
 * `loss` and `loss.samples`: `reduction` of `terms` over everything, and over everything but the batch. With `weights`
 * `[batch]` the loss is the weighted sum of the samples' instead.
 */
function addOutputs(
  builder: GraphBuilder,
  opset: number,
  reduction: 'ReduceMean' | 'ReduceSum',
  terms: string,
  dtype: DType,
  shape: readonly Dim[],
  weights?: string,
): void {
  const keepdims = { keepdims: int(0) };
  const rest = shape.map((_, axis) => axis).slice(1);
  const perSample = (): string => {
    if (rest.length === 0) return builder.op('Identity', [terms]);
    if (opset >= (reduction === 'ReduceSum' ? 13 : 18))
      return builder.op(reduction, [terms, builder.ints(rest)], keepdims);
    const attributes: Record<string, Attribute> = { ...keepdims, axes: ints(rest) };
    return builder.op(reduction, [terms], attributes);
  };
  // Samples have equal sizes, so that the mean of their means is the mean of all.
  const samples = perSample();
  const total = weights
    ? builder.op('ReduceSum', [builder.op('Mul', [samples, weights])], keepdims)
    : builder.op(reduction, [samples], keepdims);
  builder.output(total, dtype, [], 'loss');
  builder.output(samples, dtype, [shape[0]], 'loss.samples');
}

/**
 * 2 / number of elements: d/dx of the mean of squares is this times x. The elements counted are those of `over`: the whole
 * shape, or all of it but the batch.
 */
function twoOverSize(
  builder: GraphBuilder,
  output: string,
  { dtype, shape }: ValueType,
  over: readonly Dim[] = shape,
): string {
  const size = productOfDims(over);
  if (!isSymbolic(size)) return builder.tensor(scalarTensor(2 / size, dtype));
  const dims = builder.op('Shape', [output], over.length < shape.length ? { start: int(1) } : {});
  const product = builder.op('ReduceProd', [dims], { keepdims: int(0) });
  const count = builder.op('Cast', [product], { to: int(dtypeNumber(dtype)) });
  return builder.op('Div', [builder.tensor(scalarTensor(2, dtype)), count]);
}
