import { expect, it } from 'vitest';
import { flatten } from '../src/sections/run.js';

it('writes values as rows of path and text', () => {
  expect(flatten({ a: { b: 1, c: [1, 'x'] }, d: [], e: null, f: [{ g: true }] })).toEqual([
    ['a.b', '1'],
    ['a.c', '1, x'],
    ['d', 'none'],
    ['e', 'none'],
    ['f[0].g', 'true'],
  ]);
  expect(flatten({})).toEqual([]);
});
