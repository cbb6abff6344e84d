import type { Json } from '@secateur/core';
import type { Parameter } from '../parameters.js';

/**
 * How weights are masked in training. The model always computes with `w * mask`; whatever lies under the zeros of the mask
 * is kept aside when `straightThrough`.
 */
export interface WeightMask {
  readonly name: string;
  readonly options: Json;
  /** Whether a weight is masked. */
  covers(parameter: Parameter): boolean;
  /** Why a weight of two or more axes is not masked, for the report. */
  whyDense?(parameter: Parameter): string | undefined;
  /**
   * Writes the mask of a weight, 1 = keep, from its values; `step` counts the updates made. Called once before training and,
   * when `refresh` says so, before every step.
   */
  write(parameter: Parameter, values: Float32Array, mask: Uint8Array, step: number): void;
  /** Whether the mask follows the weights. */
  readonly refresh: boolean;
  /**
   * Whether masked weights go on learning from the gradient of the masked model (a straight-through estimator). Otherwise
   * they stay zero.
   */
  readonly straightThrough: boolean;
  /** SR-STE: gradient added to masked weights, `decay * (1 - mask) * w`. 0 for plain STE. */
  readonly decay: number;
}
