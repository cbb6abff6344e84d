import { testMetric } from '@secateur/core/conformance';
import { float32 } from '@secateur/graph';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ssim } from '../src/index.js';
import { expected, expectRelative, input } from './support/reference.js';

testMetric(ssim);

describe('ssim', () => {
  const [a, b] = [input('a'), input('b')];
  const flat = (value: number) => float32([1, 1, 11, 11], new Float32Array(121).fill(value));

  it('equals scikit-image’s with its Gaussian window, also beyond [-1, 1] (1e-9: float64 on both sides)', async () => {
    const { value, spread } = await ssim().compare(a, b);
    const [mean, deviation] = expected('ssim.pairs');
    expectRelative(value, mean, 1e-9);
    expectRelative(Number(spread), deviation, 1e-9);
  });

  it('of flat pictures compares means alone', async () => {
    // -1, 0, 1 are 0, 1/2, 1: (2 μx μy + C1) / (μx² + μy² + C1).
    const c1 = 1e-4;
    expect((await ssim().compare(flat(0), flat(1))).value).toBeCloseTo((1 + c1) / (1.25 + c1), 12);
    expect((await ssim().compare(flat(-1), flat(1))).value).toBeCloseTo(c1 / (1 + c1), 12);
  });

  it('is 1 for equal pictures, symmetric, and at most 1', async () => {
    const size = 11 * 12;
    const picture = fc
      .array(fc.float({ min: -1.5, max: 1.5, noNaN: true }), { minLength: size, maxLength: size })
      .map((values) => float32([1, 1, 11, 12], values));
    await fc.assert(
      fc.asyncProperty(picture, picture, async (p, q) => {
        expect((await ssim().compare(p, p)).value).toBeCloseTo(1, 12);
        const { value } = await ssim().compare(p, q);
        expect(value).toBeLessThanOrEqual(1 + 1e-12);
        expect((await ssim().compare(q, p)).value).toBeCloseTo(value, 12);
      }),
      { seed: 1, numRuns: 25 },
    );
  });

  it('refuses pictures smaller than its window', async () => {
    const small = float32([1, 1, 10, 30], new Float32Array(300));
    await expect(ssim().compare(small, small)).rejects.toMatchObject({
      code: 'SHAPE_MISMATCH',
      message: expect.stringContaining('11×11 pixels; these pictures are 30×10'),
    });
  });
});
