import type { FeatureExtractor } from '@secateur/core';
import { expect, it } from 'vitest';
import { fd, fdInfinity, kid, metricLabel, ssim } from '../src/index.js';

const features = (name: string, dims: number, isFidInception?: boolean): FeatureExtractor => ({
  name,
  dims,
  ...(isFidInception !== undefined && { isFidInception }),
  extract: async (images) => images,
});

it('metricLabel names the features, and says FID of the one Inception alone', () => {
  const own = features('fashion-classifier', 64);
  expect(metricLabel(fd(), own)).toBe('fd(fashion-classifier)');
  expect(metricLabel(kid(), own)).toBe('kid(fashion-classifier)');
  expect(metricLabel(ssim(), own)).toBe('ssim');
  const inception = features('inception-2015-12-05', 2048, true);
  expect(metricLabel(fd(), inception)).toBe('fid');
  expect(metricLabel(fdInfinity(), inception)).toBe('fid-infinity');
  expect(metricLabel(kid(), inception)).toBe('kid(inception-2015-12-05)');
  expect(metricLabel(fd(), features('inception', 2048))).toBe('fd(inception)');
  expect(metricLabel(fd(), features('inception', 192, true))).toBe('fd(inception)');
});
