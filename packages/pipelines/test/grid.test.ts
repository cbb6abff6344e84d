import { expect, it } from 'vitest';
import { gridOf } from '../src/index.js';

const dot = (value: number) => ({ width: 1, height: 1, channels: 1, data: Uint8Array.of(value) });

it('lays pictures out row by row, with gaps and an empty place', () => {
  const { width, height, data } = gridOf([dot(1), dot(2), dot(3)], { columns: 2, gap: 1, background: 9 });
  expect([width, height]).toEqual([3, 3]);
  expect([...data]).toEqual([1, 9, 2, 9, 9, 9, 3, 9, 9]);
});

it('is about square by default, and one picture is itself', () => {
  expect(gridOf([dot(1)])).toEqual(dot(1));
  expect(gridOf([1, 2, 3, 4, 5].map(dot), { gap: 0 })).toMatchObject({ width: 3, height: 2 });
  expect(gridOf([dot(1), dot(2)], { columns: 5, gap: 0 })).toMatchObject({ width: 2, height: 1 });
});

it('refuses impossible layouts', () => {
  const badOption = expect.objectContaining({ code: 'BAD_OPTION' });
  expect(() => gridOf([dot(1)], { columns: 0 })).toThrow(badOption);
  expect(() => gridOf([dot(1)], { gap: -1 })).toThrow(badOption);
  expect(() => gridOf([])).toThrow(expect.objectContaining({ code: 'BAD_DATA' }));
});
