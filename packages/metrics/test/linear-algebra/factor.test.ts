import fc from 'fast-check';
import { expect, it } from 'vitest';
import { semiDefiniteFactor } from '../../src/linear-algebra/factor.js';

it('semiDefiniteFactor multiplies back to the matrix, with as many columns as its rank', () => {
  const anyCase = fc
    .tuple(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 0, max: 10 }))
    .chain(([n, rank]) =>
      fc
        .array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: n * rank, maxLength: n * rank })
        .map((values) => ({ n, rank, values })),
    );
  fc.assert(
    fc.property(anyCase, ({ n, rank, values }) => {
      const matrix = product(values, n, rank);
      const factor = semiDefiniteFactor(matrix, n);
      expect(factor.rank).toBeLessThanOrEqual(Math.min(n, rank));
      const again = product(factor.values, n, factor.rank);
      const largest = matrix.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      for (const [i, value] of again.entries())
        expect(Math.abs(value - matrix[i])).toBeLessThanOrEqual(1e-13 * largest);
    }),
    { seed: 1, numRuns: 200 },
  );
});

/** `v vᵀ` of `[n, rank]`. */
function product(values: ArrayLike<number>, n: number, rank: number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += values[i * rank + k] * values[j * rank + k];
    return sum;
  });
}
