import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addDims, type Dim, dimText, divideExactly, multiplyDims, symbol } from '../src/index.js';

const [a, b, c] = ['a', 'b', 'c'].map(symbol);
const polynomial = fc
  .array(fc.tuple(fc.integer({ min: -3, max: 3 }), fc.subarray([a, a, b, c])), { minLength: 1, maxLength: 4 })
  .map((terms) => terms.reduce<Dim>((sum, [k, factors]) => addDims(sum, factors.reduce<Dim>(multiplyDims, k)), 0));

describe('divideExactly', () => {
  it('undoes multiplication for any polynomials', () => {
    fc.assert(
      fc.property(polynomial, polynomial, (p, q) => {
        fc.pre(q !== 0);
        expect(dimText(divideExactly(multiplyDims(p, q), q)!)).toBe(dimText(p));
      }),
      { seed: 2, numRuns: 300 },
    );
  });

  it('refuses what leaves a remainder', () => {
    expect(divideExactly(addDims(multiplyDims(a, b), 1), b)).toBeUndefined();
    expect(divideExactly(multiplyDims(3, a), 2)).toBeUndefined();
    expect(divideExactly(addDims(a, 1), addDims(a, 2))).toBeUndefined();
    expect(divideExactly(7, 0)).toBeUndefined();
  });
});
