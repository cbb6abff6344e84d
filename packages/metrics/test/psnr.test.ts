import { testMetric } from '@secateur/core/conformance';
import { float32 } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { psnr } from '../src/index.js';
import { expected, expectRelative, input } from './support/reference.js';

testMetric(psnr);

describe('psnr', () => {
  const pixels = (...values: number[]) => float32([values.length, 1, 1, 1], values);

  it('equals numpy’s (1e-9: float64 on both sides)', async () => {
    expectRelative((await psnr().compare(input('a'), input('b'))).value, expected('psnr.pairs')[0], 1e-9);
  });

  it('is what can be worked out by hand: the data range is 1', async () => {
    // Differences of 0.2 in [-1, 1] are 0.1: 10 log10(1 / 0.01); what lies beyond is cut.
    expect((await psnr().compare(pixels(0, 1.7), pixels(0.2, 0.8))).value).toBeCloseTo(20, 5);
    // One pair equal: the squared errors are averaged, not the decibels.
    expect((await psnr().compare(pixels(0, 0), pixels(0.2, 0))).value).toBeCloseTo(20 + 10 * Math.log10(2), 5);
  });

  it('is infinite for equal pictures, and says so', async () => {
    const { value, warnings } = await psnr().compare(pixels(0.5), pixels(0.5));
    expect(value).toBe(Number.POSITIVE_INFINITY);
    expect(warnings).toEqual(['psnr: every pair is equal, the ratio is infinite.']);
  });
});
