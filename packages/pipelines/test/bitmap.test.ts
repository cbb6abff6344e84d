import { float32 } from '@secateur/graph';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bitmapsFrom, tensorFromBitmaps } from '../src/index.js';

it('interleaves channels, cuts and rounds', () => {
  const images = float32([1, 3, 1, 2], [-1, 1, -2, 2, 0, -0.5]);
  const [{ width, height, channels, data }] = bitmapsFrom(images);
  expect([width, height, channels]).toEqual([2, 1, 3]);
  // 0 is 127.5, rounded to the even 128; -0.5 is 63.75.
  expect([...data]).toEqual([0, 0, 128, 255, 255, 64]);
});

it('brings bytes back unchanged through float', () => {
  const size = { width: 3, height: 2, channels: 2 };
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 12, maxLength: 12 }), { minLength: 1, maxLength: 3 }), (all) => {
      const bitmaps = all.map((data) => ({ ...size, data }));
      const tensor = tensorFromBitmaps(bitmaps);
      expect(tensor.shape).toEqual([all.length, 2, 2, 3]);
      expect(bitmapsFrom(tensor)).toEqual(bitmaps);
    }),
    { seed: 5, numRuns: 50 },
  );
});

it('refuses what is no picture, none, or pictures of different sizes', () => {
  expect(() => bitmapsFrom(float32([1, 5, 1, 1], [0, 0, 0, 0, 0]))).toThrow(
    expect.objectContaining({ code: 'SHAPE_MISMATCH' }),
  );
  expect(() => bitmapsFrom(float32([2], [0, 0]))).toThrow(expect.objectContaining({ code: 'SHAPE_MISMATCH' }));
  expect(() => tensorFromBitmaps([])).toThrow(expect.objectContaining({ code: 'BAD_DATA' }));
  const one = { width: 1, height: 1, channels: 1, data: Uint8Array.of(0) };
  const two = { width: 2, height: 1, channels: 1, data: Uint8Array.of(0, 0) };
  expect(() => tensorFromBitmaps([one, two])).toThrow(expect.objectContaining({ code: 'SHAPE_MISMATCH' }));
});
