import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMoments } from '../../src/index.js';

describe('createMoments', () => {
  it('gives mean and unbiased covariance', () => {
    const moments = createMoments(2);
    moments.add([1, 2, 3, 2, 5, 8]);
    expect(moments.count).toBe(3);
    expect(Array.from(moments.mean())).toEqual([3, 4]);
    // Differences (-2, -2), (0, -2), (2, 4): products 8, 12, 24 over 2.
    expect(Array.from(moments.covariance())).toEqual([4, 6, 6, 12]);
  });

  it('has the same bits however the vectors are cut into batches, and goes on after it was read', () => {
    const anyCase = fc
      .integer({ min: 1, max: 9 })
      .chain((dims) =>
        fc.tuple(
          fc.constant(dims),
          fc.array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: 2 * dims, maxLength: 200 * dims }),
          fc.integer({ min: 1, max: 70 }),
        ),
      );
    fc.assert(
      fc.property(anyCase, ([dims, values, batch]) => {
        const rows = values.slice(0, Math.floor(values.length / dims) * dims);
        const whole = createMoments(dims);
        whole.add(rows);
        const parts = createMoments(dims);
        for (let from = 0; from < rows.length; from += batch * dims) {
          parts.add(rows.slice(from, from + batch * dims));
          if (parts.count > 1) parts.covariance();
        }
        expect(parts.mean()).toEqual(whole.mean());
        expect(parts.covariance()).toEqual(whole.covariance());
      }),
      { seed: 1, numRuns: 50 },
    );
  });

  it('loses no digits to a mean far from zero', () => {
    const moments = createMoments(1);
    // Variance of 0, 1, 2 is 1, also 2^50 away.
    moments.add([2 ** 50, 2 ** 50 + 1, 2 ** 50 + 2]);
    expect(moments.covariance()[0]).toBe(1);
  });
});
