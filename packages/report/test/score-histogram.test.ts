import fc from 'fast-check';
import { expect, it } from 'vitest';
import { scoreHistogram } from '../src/score-histogram.js';
import { group } from './sample-report.js';

it('counts kept and removed by hand', () => {
  // Eight bins of width 1 from 0 to 8; the highest score lies in the last.
  const histogram = scoreHistogram(
    group(
      'a',
      [0, 0.5, 1.5, 4, 8],
      [
        [0, 1],
        [2, 3],
      ],
    ),
  )!;
  expect(histogram.edges).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(histogram.removed).toEqual([1, 1, 0, 0, 0, 0, 0, 0]);
  expect(histogram.kept).toEqual([1, 0, 0, 0, 1, 0, 0, 1]);
  expect(histogram).toMatchObject({ lowest: 0, highest: 8, highestRemoved: 1.5, lowestKept: 0.5 });
});

it('gathers outliers in the last bin', () => {
  const scores = [...Array.from({ length: 99 }, (_, i) => i / 99), 1000];
  const histogram = scoreHistogram(group('a', scores))!;
  expect(histogram.hasTail).toBe(true);
  expect(histogram.edges[histogram.edges.length - 1]).toBeLessThan(2);
  expect(histogram.highest).toBe(1000);
});

it('has nothing to show without finite scores', () => {
  expect(scoreHistogram(group('a', []))).toBeUndefined();
  expect(scoreHistogram(group('a', [1, Number.NaN]))).toBeUndefined();
});

it('counts every unit once, whatever the scores', () => {
  const value = fc.double({ noNaN: true, min: -1e30, max: 1e30 });
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 200 }), (scores) => {
      const { kept, removed, edges } = scoreHistogram(group('a', scores, [[0, 1]]))!;
      const total = [...kept, ...removed].reduce((sum, count) => sum + count, 0);
      expect(total).toBe(scores.length);
      expect(edges.every(Number.isFinite)).toBe(true);
    }),
    { seed: 7 },
  );
});
