import { testMetric } from '@secateur/core/conformance';
import { float32 } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { mmd } from '../src/index.js';
import { expected, expectRelative, input } from './support/reference.js';

testMetric(mmd, { variants: [{ estimator: 'unbiased' }, { normalize: false, sigma: 1 }] });

describe('mmd', () => {
  const [x, y] = [input('x'), input('y')];

  it('equals numpy’s (1e-9: float64, after the cancellation of kernels that are all nearly 1)', async () => {
    expectRelative((await mmd().compare(x, y)).value, expected('mmd.biased')[0], 1e-9);
    expectRelative((await mmd({ estimator: 'unbiased' }).compare(x, y)).value, expected('mmd.unbiased')[0], 1e-9);
    const plain = await mmd({ normalize: false, sigma: 2, estimator: 'unbiased' }).compare(x, y);
    expectRelative(plain.value, expected('mmd.plain')[0], 1e-9);
  });

  it('is what can be worked out by hand', async () => {
    // One feature of 0 and 2 against 0 and 0, sigma 1: e = exp(-2).
    const e = Math.exp(-2);
    const options = { normalize: false, sigma: 1, scale: 1 };
    const [a, b] = [float32([2, 1], [0, 2]), float32([2, 1], [0, 0])];
    expect((await mmd(options).compare(a, b)).value).toBeCloseTo((2 + 2 * e) / 4 + 1 - 2 * ((2 + 2 * e) / 4), 14);
    expect((await mmd({ ...options, estimator: 'unbiased' }).compare(a, b)).value).toBeCloseTo(e + 1 - (1 + e), 14);
  });

  it('is zero for the same pictures; length does not matter once normalised, zeros stay', async () => {
    expect(Math.abs((await mmd().compare(x, x)).value)).toBeLessThan(1e-9);
    const a = float32([2, 2], [3, 4, 0, 0]);
    const b = float32([2, 2], [0.6, 0.8, 0, 0]);
    expect(Math.abs((await mmd().compare(a, b)).value)).toBeLessThan(1e-4);
  });

  it('warns of bias, not of the unbiased estimator', async () => {
    expect((await mmd().compare(x, y)).warnings).toEqual([expect.stringContaining('60 pictures and 90 real ones')]);
    expect((await mmd({ estimator: 'unbiased' }).compare(x, y)).warnings).toEqual([]);
  });

  it('refuses a kernel without width', () => {
    for (const sigma of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => mmd({ sigma })).toThrow(expect.objectContaining({ code: 'BAD_OPTION', field: 'sigma' }));
    }
  });
});
