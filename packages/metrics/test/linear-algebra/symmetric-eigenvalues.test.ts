import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { symmetricEigenvalues } from '../../src/index.js';
import { expected, matrix } from '../support/reference.js';

const symmetric = fc.integer({ min: 1, max: 12 }).chain((n) =>
  fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: n * n, maxLength: n * n }).map((values) => {
    const matrix = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) matrix[i * n + j] = values[Math.max(i, j) * n + Math.min(i, j)];
    return { n, matrix };
  }),
);

describe('symmetricEigenvalues', () => {
  it('are known for small matrices', () => {
    const of = (n: number, ...values: number[]) => Array.from(symmetricEigenvalues(Float64Array.from(values), n));
    expect(of(1, -3)).toEqual([-3]);
    expect(of(2, 2, 1, 1, 2).map((value) => value.toFixed(12))).toEqual(['1.000000000000', '3.000000000000']);
    expect(of(3, 0, 0, 0, 0, 0, 0, 0, 0, 0)).toEqual([0, 0, 0]);
    // Second differences: 2 - 2 cos(k π / 5).
    const chain = of(4, 2, -1, 0, 0, -1, 2, -1, 0, 0, -1, 2, -1, 0, 0, -1, 2);
    for (const [k, value] of chain.entries()) expect(value).toBeCloseTo(2 - 2 * Math.cos(((k + 1) * Math.PI) / 5), 14);
  });

  it('equal numpy’s, one of them zero (1e-14 of the largest: float64)', () => {
    const found = symmetricEigenvalues(matrix('matrix'), 12);
    const wanted = expected('eigenvalues');
    for (const [i, value] of found.entries()) expect(Math.abs(value - wanted[i])).toBeLessThan(1e-14 * wanted[11]);
  });

  it('keep trace and sum of squares, in order, whatever the scale, and leave the matrix alone', () => {
    fc.assert(
      fc.property(symmetric, fc.constantFrom(1, 1e-150, 1e150), ({ n, matrix }, scale) => {
        const scaled = matrix.map((value) => value * scale);
        const before = scaled.slice();
        const values = Array.from(symmetricEigenvalues(scaled, n), (value) => value / scale);
        expect(scaled).toEqual(before);
        const trace = matrix.reduce((sum, value, i) => (i % (n + 1) === 0 ? sum + value : sum), 0);
        const squares = matrix.reduce((sum, value) => sum + value * value, 0);
        const sumOf = (power: number) => values.reduce((sum, value) => sum + value ** power, 0);
        expect(Math.abs(sumOf(1) - trace)).toBeLessThan(1e-11 * Math.max(1, Math.sqrt(squares)));
        expect(Math.abs(sumOf(2) - squares)).toBeLessThan(1e-11 * Math.max(1, squares));
        for (let i = 1; i < n; i++) expect(values[i]).toBeGreaterThanOrEqual(values[i - 1]);
      }),
      { seed: 1, numRuns: 200 },
    );
  });
});
