import { float } from '../graph.js';
import type { EvaluateContext, GradientContext } from '../op-record.js';
import { castTensor, type DType, float32, type Tensor } from '../tensor.js';
import type { Backward } from './backward.js';
import { broadcastOffsets } from './broadcast.js';
import { doublesOf, tensorOfDoubles } from './doubles.js';

/** (x - mean) / sqrt(variance + epsilon) of one row, in place. */
export function standardize(row: Float64Array, epsilon: number): Float64Array {
  const mean = row.reduce((sum, x) => sum + x, 0) / row.length;
  const variance = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / row.length;
  const scale = 1 / Math.sqrt(variance + epsilon);
  for (let i = 0; i < row.length; i++) row[i] = (row[i] - mean) * scale;
  return row;
}

/** `normal * scale + bias` (inputs 1 and 2), both read as if they had `shape`, which broadcasts to that of x (input 0). */
export function affine(context: EvaluateContext, normal: Float64Array, shape: readonly number[]): Tensor {
  const x = context.input(0);
  const bias = context.inputs[2];
  const at = broadcastOffsets(shape, x.shape);
  const scales = doublesOf(context.input(1));
  const shifts = bias && doublesOf(bias);
  return tensorOfDoubles(
    x.dtype,
    x.shape,
    normal.map((value, i) => value * scales[at[i]] + (shifts ? shifts[at[i]] : 0)),
  );
}

/** A tensor of one value throughout. */
export function filled(dtype: DType, shape: readonly number[], value: number): Tensor {
  const length = shape.reduce((a, b) => a * b, 1);
  return castTensor(float32(shape, new Float32Array(length).fill(value)), dtype);
}

/** Whether input `i` is a constant that is `value` throughout. Norms without learned weights are exported so. */
export function isFilledWith(context: GradientContext, i: number, value: number): boolean {
  const constant = context.constant(i);
  return constant !== undefined && Array.from(doublesOf(castTensor(constant, 'float64'))).every((x) => x === value);
}

/**
 * `x: [batch, rows, ...]` normalised over everything after the rows: the same node that runtimes have a fast kernel for
 * and that a GroupNormalization is written as, so that they may share it with the forward pass.
 */
export function normalizedRows(context: GradientContext, x: string, rows: number, epsilon: number): string {
  const { dtype } = context.input(0);
  const one = context.builder.tensor(filled(dtype, [rows], 1));
  const zero = context.builder.tensor(filled(dtype, [rows], 0));
  return context.builder.op('InstanceNormalization', [x, one, zero], { epsilon: float(epsilon) });
}

/**
 * 1 / sqrt(variance + epsilon) over `axes`, from x and its normalised form n = (x - mean) r, without another pass for the
 * variance v:
 *
 *     c = mean(x n) = v r  and  v = 1/r^2 - epsilon   give   epsilon r^2 + c r - 1 = 0,   r = 2 / (c + sqrt(c^2 + 4 epsilon))
 *
 * Well conditioned also where |mean| is much larger than the deviation, unlike mean(x^2) - mean(x)^2.
 */
export function inverseDeviation(
  b: Backward,
  x: string,
  normal: string,
  axes: readonly number[],
  epsilon: number,
): string {
  const c = b.mean(b.op('Mul', x, normal), axes);
  const root = b.op('Sqrt', b.op('Add', b.op('Mul', c, c), b.scalar(4 * epsilon)));
  return b.op('Div', b.scalar(2), b.op('Add', c, root));
}
