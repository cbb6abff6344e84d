import { expect, it } from 'vitest';
import { semiDefiniteFactor } from '../../src/linear-algebra/factor.js';
import { traceSqrtProduct } from '../../src/linear-algebra/trace-sqrt-product.js';

const trace = (a: number[], b: number[], n: number) =>
  traceSqrtProduct(semiDefiniteFactor(Float64Array.from(a), n), Float64Array.from(b), n);

it('traceSqrtProduct is known for diagonal, rotated and singular matrices', () => {
  expect(trace([4, 0, 0, 9], [1, 0, 0, 4], 2)).toBeCloseTo(2 + 6, 12);
  // The same matrix twice: its own trace.
  expect(trace([2, 1, 1, 3], [2, 1, 1, 3], 2)).toBeCloseTo(5, 12);
  // Of 2×2 matrices: √(tr(AB) + 2 √(det A det B)), here with tr(AB) = 3 and both determinants 1.
  expect(trace([2, 1, 1, 1], [1, 0, 0, 1], 2)).toBeCloseTo(Math.sqrt(3 + 2), 12);
  // Rank one: √(vᵀ B v).
  expect(trace([1, 2, 2, 4], [3, 0, 0, 1], 2)).toBeCloseTo(Math.sqrt(3 + 4), 12);
  expect(trace([0, 0, 0, 0], [3, 0, 0, 1], 2)).toBe(0);
});
