import fc from 'fast-check';
import { expect, it } from 'vitest';
import { solve } from '../src/schedulers/unipc-weights.js';

it('solves a system that needs its rows exchanged', () => {
  expect(
    solve(
      [
        [0, 2],
        [3, 1],
      ],
      [4, 5],
    ),
  ).toEqual([1, 2]);
});

it('solves what it is given: the product with the solution is the right-hand side', () => {
  const entry = fc.double({ min: -2, max: 2, noNaN: true });
  const row = fc.array(entry, { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(fc.array(row, { minLength: 3, maxLength: 3 }), row, (noise, right) => {
      // A dominant diagonal keeps the system well conditioned.
      const matrix = noise.map((values, i) => values.map((value, j) => (i === j ? value + 10 : value)));
      const solution = solve(matrix, right);
      for (const [i, values] of matrix.entries()) {
        const product = values.reduce((sum, value, j) => sum + value * solution[j], 0);
        expect(product).toBeCloseTo(right[i], 12);
      }
    }),
    { seed: 11, numRuns: 100 },
  );
});
