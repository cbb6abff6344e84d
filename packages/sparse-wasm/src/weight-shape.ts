import { requireWhole, SparseWasmError } from './errors.js';

/** Shape of a layer's weight: `[outputs, inputs]`, or `[outputs, inputs, kernelHeight, kernelWidth]`, row-major. */
export interface WeightShape {
  outputs: number;
  inputs: number;
  /** `[height, width]`, each in [1, 7]. Default `[1, 1]`: a linear layer or a pointwise convolution. */
  kernel?: readonly [number, number];
}

/** Larger layers do not exist in the models this is for, and every size derived from these stays exact. */
export const mostChannels = 65535;
export const mostKernel = 7;

export const tapsOf = ({ kernel = [1, 1] }: WeightShape): number => kernel[0] * kernel[1];

/** @throws {SparseWasmError} BAD_SHAPE */
export function checkShape(shape: WeightShape): void {
  requireWhole('outputs', shape.outputs, 1, mostChannels);
  requireWhole('inputs', shape.inputs, 1, mostChannels);
  for (const size of shape.kernel ?? []) requireWhole('kernel', size, 1, mostKernel);
}

/**
 * A mask says 1 for what stays. Weights that it removes are not looked at.
 * @throws {SparseWasmError} BAD_SHAPE when a length disagrees with the shape; BAD_DATA when a weight that stays is NaN or infinite
 */
export function checkWeights(weight: Float32Array, shape: WeightShape, mask?: Uint8Array): void {
  checkShape(shape);
  const size = shape.outputs * shape.inputs * tapsOf(shape);
  for (const [field, array] of [['weight', weight] as const, ['mask', mask] as const]) {
    if (array && array.length !== size) {
      throw new SparseWasmError('BAD_SHAPE', `${field} has ${array.length} elements where the shape has ${size}.`, {
        field,
      });
    }
  }
  for (let i = 0; i < size; i++) {
    if (Number.isFinite(weight[i]) || mask?.[i] === 0) continue;
    throw new SparseWasmError('BAD_DATA', `weight[${i}] is ${weight[i]}; weights must be finite.`, { field: 'weight' });
  }
}
