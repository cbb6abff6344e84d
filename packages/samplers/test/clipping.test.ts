import { float32 } from '@secateur/graph';
import { expect, it } from 'vitest';
import { clampTo, dynamicThreshold, limitOriginal } from '../src/clipping.js';

const x0 = float32([2, 3], [-3, 0.5, 2, 0.1, -0.2, 0.4]);

it('clamps', () => {
  expect(clampTo(x0, 1).data).toEqual(Float32Array.of(-1, 0.5, 1, 0.1, -0.2, 0.4));
});

it('thresholds each sample by its own quantile, of at least 1', () => {
  // Median magnitude of the first sample: 2; of the second 0.2, so it is clamped to 1 and unchanged.
  const config = { thresholding: true, dynamic_thresholding_ratio: 0.5, sample_max_value: 10 };
  expect(dynamicThreshold(x0, config).data).toEqual(Float32Array.of(-1, 0.25, 1, 0.1, -0.2, 0.4));
  expect(dynamicThreshold(x0, { ...config, sample_max_value: 1 }).data).toEqual(clampTo(x0, 1).data);
});

it('interpolates between the magnitudes around a quantile', () => {
  const config = { thresholding: true, dynamic_thresholding_ratio: 0.75, sample_max_value: 10 };
  expect(dynamicThreshold(float32([1, 3], [-3, 0.5, 2]), config).data).toEqual(Float32Array.of(-1, 0.2, 0.8));
});

it('prefers thresholding to clipping, and does neither unless asked', () => {
  const off = { thresholding: false, dynamic_thresholding_ratio: 0.5, sample_max_value: 10 };
  expect(limitOriginal(x0, off)).toBe(x0);
  expect(limitOriginal(x0, { ...off, clip_sample: true, clip_sample_range: 2 }).data[0]).toBe(-2);
  expect(limitOriginal(x0, { ...off, thresholding: true, clip_sample: true, clip_sample_range: 2 }).data[0]).toBe(-1);
});
