import { float32, type Tensor, toFloat32 } from '@secateur/graph';
import { type Field, flagField, numberField, type Values } from './config-fields.js';

export type ThresholdFields = {
  thresholding: Field<boolean>;
  dynamic_thresholding_ratio: Field<number>;
  sample_max_value: Field<number>;
};

export type ClipFields = { clip_sample: Field<boolean>; clip_sample_range: Field<number> };

export const thresholdFields: ThresholdFields = {
  thresholding: flagField(false),
  dynamic_thresholding_ratio: numberField(0.995, 0, 1),
  sample_max_value: numberField(1, 0, Number.MAX_VALUE),
};

export function clipFields(fallback: boolean): ClipFields {
  return { clip_sample: flagField(fallback), clip_sample_range: numberField(1, 0, Number.MAX_VALUE) };
}

/** Clamps a predicted x0 to `[-range, range]`. */
export function clampTo(x0: Tensor, range: number): Tensor {
  return float32(
    x0.shape,
    toFloat32(x0).map((value) => Math.min(Math.max(value, -range), range)),
  );
}

/**
 * Dynamic thresholding (Saharia et al., 2205.11487): per sample, clamp to the quantile `s` of the magnitudes, with `s` kept
 * in [1, sample_max_value], and divide by it.
 *
 * @param x0  [batch, ...], float32
 */
export function dynamicThreshold(x0: Tensor, config: Values<ThresholdFields>): Tensor {
  const data = toFloat32(x0);
  const out = new Float32Array(data.length);
  const size = data.length / x0.shape[0];
  for (let start = 0; start < data.length; start += size) {
    const part = data.subarray(start, start + size);
    const quantile = quantileOf(part.map(Math.abs).sort(), config.dynamic_thresholding_ratio);
    const limit = Math.min(Math.max(quantile, 1), config.sample_max_value);
    out.set(
      part.map((value) => Math.min(Math.max(value, -limit), limit) / limit),
      start,
    );
  }
  return float32(x0.shape, out);
}

/** Quantile of rising values, between neighbours by straight line. */
function quantileOf(sorted: Float32Array, share: number): number {
  const rank = share * (sorted.length - 1);
  const low = Math.floor(rank);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (rank - low);
}

/** Thresholds or clamps a predicted x0, as the configuration says. */
export function limitOriginal(x0: Tensor, config: Values<ThresholdFields> & Partial<Values<ClipFields>>): Tensor {
  if (config.thresholding) return dynamicThreshold(x0, config);
  return config.clip_sample ? clampTo(x0, config.clip_sample_range ?? 1) : x0;
}
