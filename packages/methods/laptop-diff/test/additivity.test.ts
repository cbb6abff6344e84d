import type { OutputsWithout } from '@secateur/core';
import { expect, it } from 'vitest';
import { additivityOf } from '../src/index.js';

const outputs: OutputsWithout = {
  meanSquare: 1,
  loss: 1,
  units: new Map([
    ['a', { distance: 1, lossChange: 0.5 }],
    ['b', { distance: 2, lossChange: -1 }],
    ['c', { distance: 4, lossChange: 0 }],
  ]),
  subsets: [
    { units: ['a', 'b'], distance: 3, lossChange: 1 },
    { units: ['a', 'c'], distance: 6, lossChange: 2 },
    { units: ['b', 'c'], distance: 7, lossChange: 0 },
  ],
};
const scoresOf = (a: number, b: number, c: number) =>
  new Map(Object.entries({ a, b, c }).map(([id, score]) => [id, Float32Array.of(score)]));

it('adds up scores and compares with what was measured', () => {
  const scores = new Map([
    ['mine', scoresOf(1, 2, 4)],
    ['flat', scoresOf(1, 1, 1)],
  ]);
  const { subsets, pearson, spearman, others } = additivityOf(outputs, { criterion: 'mine', scores });
  expect(subsets.map(({ predicted, measured }) => [predicted, measured])).toEqual([
    [3, 3],
    [5, 6],
    [6, 7],
  ]);
  // Deviations (-5, 1, 4) / 3 and (-7, 2, 5) / 3: 57 / √(42 · 78).
  expect(pearson).toBeCloseTo(57 / Math.sqrt(42 * 78), 12);
  expect(spearman).toBeCloseTo(1, 12);
  expect(others).toEqual([{ criterion: 'flat', pearson: null, spearman: null }]);
});

it('takes changes of the loss where these are the criterion', () => {
  const scores = new Map([['loss', scoresOf(0.5, -1, 0)]]);
  const { subsets } = additivityOf(outputs, { criterion: 'loss', scores, measured: 'lossChange' });
  expect(subsets.map(({ predicted, measured }) => [predicted, measured])).toEqual([
    [-0.5, 1],
    [0.5, 2],
    [-1, 0],
  ]);
});

it('names the score that is missing', () => {
  const request = { criterion: 'mine', scores: new Map([['mine', new Map([['a', Float32Array.of(1)]])]]) };
  expect(() => additivityOf(outputs, request)).toThrow(/no score of "b" by mine/);
});
