import { testMetric } from '@secateur/core/conformance';
import { float32 } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { kid } from '../src/index.js';
import { expected, expectRelative, input, rows } from './support/reference.js';

testMetric(kid, { variants: [{ subsets: 5, subsetSize: 10 }, { degree: 1 }] });

describe('kid', () => {
  const [x, y] = [input('x'), input('y')];

  it('equals numpy’s over the same random subsets (1e-9: float64 on both sides)', async () => {
    const { value, spread, details } = await kid({ subsets: 20, subsetSize: 30 }).compare(x, y, { seed: 5 });
    const [mean, deviation] = expected('kid.subsets');
    expectRelative(value, mean, 1e-9);
    expectRelative(Number(spread), deviation, 1e-9);
    expect(details).toEqual({ subsets: 20, subsetSize: 30 });
  });

  it('is one estimate without spread where a subset is all there are', async () => {
    const whole = await kid({ subsetSize: 60 }).compare(x, rows(y, 0, 60));
    expectRelative(whole.value, expected('kid.whole')[0], 1e-9);
    expect(whole.spread).toBeUndefined();
    expect(whole.details).toEqual({ subsets: 1, subsetSize: 60 });
  });

  it('is what can be worked out by hand', async () => {
    // Degree 1: k(a, b) = a b + 1. Within {0, 2, …}: 6 ordered pairs each; see the sums.
    const a = float32([4, 1], [0, 2, 1, 1]);
    const b = float32([4, 1], [3, 1, 0, 0]);
    const within = (values: number[]) => {
      const sum = values.reduce((total, value) => total + value, 0);
      return (sum ** 2 - values.reduce((total, value) => total + value ** 2, 0)) / 12 + 1;
    };
    const wanted = within([0, 2, 1, 1]) + within([3, 1, 0, 0]) - 2 * ((4 * 4) / 16 + 1);
    expect((await kid({ degree: 1, subsetSize: 4 }).compare(a, b)).value).toBeCloseTo(wanted, 12);
  });

  it('has no bias: over disjoint halves of one set its mean is zero within its noise', async () => {
    const sizes = [6, 12, 24];
    for (const subsetSize of sizes) {
      const { value, spread } = await kid({ subsets: 200, subsetSize }).compare(y, y);
      // The subsets of one set overlap by chance: a little below zero, far less than one subset’s spread.
      expect(Math.abs(value)).toBeLessThan(Number(spread));
    }
  });

  it('warns of noise below 1,000 pictures, and of a subset size that there are too few for', async () => {
    const { warnings, details } = await kid({ subsets: 1, subsetSize: 1000 }).compare(x, y);
    expect(details).toEqual({ subsets: 1, subsetSize: 60 });
    expect(warnings).toEqual([
      'kid: subsets of 60 pictures, all there are, not 1000.',
      expect.stringContaining('60 pictures and 90 real ones is unbiased but noisy'),
    ]);
    const usual = await kid({ subsets: 1 }).compare(x, y);
    expect(usual.details).toEqual({ subsets: 1, subsetSize: 30 });
  });

  it('stops between subsets', async () => {
    const controller = new AbortController();
    const run = kid().compare(x, y, { signal: controller.signal, onProgress: () => controller.abort() });
    await expect(run).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
