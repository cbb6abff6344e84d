import type { MetricOutcome } from '@secateur/core';
import { type Tensor, toFloat32 } from '@secateur/graph';

/** Pictures from [-1, 1], cut, to [0, 1], in float64. */
export function unitPictures(images: Tensor): Float64Array {
  return Float64Array.from(toFloat32(images), (value) => (Math.min(1, Math.max(-1, value)) + 1) / 2);
}

/** Mean, and standard deviation of one value. */
export function meanAndSpread(values: readonly number[]): MetricOutcome {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { value: mean, spread: Math.sqrt(variance) };
}
