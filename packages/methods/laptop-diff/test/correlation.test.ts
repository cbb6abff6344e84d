import { expect, it } from 'vitest';
import { pearson, spearman } from '../src/index.js';

it.each([
  [[1, 2, 3], [2, 4, 6], 1, 1],
  [[1, 2, 3], [6, 4, 2], -1, -1],
  // Deviations (-1.5, -0.5, 0.5, 1.5) and (-2.5, -1.5, -0.5, 4.5): 11 / √(5 · 29).
  [[1, 2, 3, 4], [1, 2, 3, 8], 11 / Math.sqrt(5 * 29), 1],
  // Ranks (0, 1.5, 1.5, 3) and (0, 1, 2, 3): 4.5 / √(4.5 · 5).
  [[1, 2, 2, 3], [1, 2, 3, 4], 3 / Math.sqrt(10), 4.5 / Math.sqrt(4.5 * 5)],
])('of %j and %j', (a, b, linear, ranked) => {
  expect(pearson(a, b)).toBeCloseTo(linear, 12);
  expect(spearman(a, b)).toBeCloseTo(ranked, 12);
});

it('there is none where nothing varies', () => {
  expect([pearson([1, 1], [1, 2]), spearman([1, 2], [3, 3])]).toEqual([null, null]);
});
