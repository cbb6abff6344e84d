import { float32 } from '@secateur/graph';
import { expect, it } from 'vitest';
import { combine, combinePerSample } from '../src/combine.js';

const a = float32([2, 2], [1, 2, 3, 4]);
const b = float32([2, 2], [10, 20, 30, 40]);

it('adds multiples', () => {
  expect(combine([2, a], [0.5, b])).toEqual(float32([2, 2], [7, 14, 21, 28]));
});

it('takes a weight of 0 to mean absent, even of infinity', () => {
  expect(combine([1, a], [0, float32([2, 2], [Infinity, Infinity, Infinity, Infinity])])).toEqual(a);
});

it('adds multiples sample by sample', () => {
  expect(combinePerSample([1, 0], a, [0, 1], b)).toEqual(float32([2, 2], [1, 2, 30, 40]));
});

it('refuses tensors of different sizes', () => {
  const short = float32([2], [1, 2]);
  expect(() => combine([1, a], [1, short])).toThrow(expect.objectContaining({ code: 'SHAPE_MISMATCH' }));
  expect(() => combinePerSample([1, 1], a, [1, 1], short)).toThrow(expect.objectContaining({ code: 'SHAPE_MISMATCH' }));
});
