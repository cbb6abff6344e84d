import { constantOf, float32, parameterNamed } from '@secateur/graph';
import { expect, test } from 'vitest';
import { reshaped, transposed, transposeTensor } from '../src/views.js';

test('transposes by hand-computed examples', () => {
  const value = float32([2, 3], [1, 2, 3, 4, 5, 6]);
  expect(transposeTensor(value, [1, 0])).toEqual(float32([3, 2], [1, 4, 2, 5, 3, 6]));
  const cube = float32([2, 1, 3], [1, 2, 3, 4, 5, 6]);
  expect(transposeTensor(cube, [2, 0, 1])).toEqual(float32([3, 2, 1], [1, 4, 2, 5, 3, 6]));
  expect(transposeTensor(cube, [1, 0, 2])).toEqual(float32([1, 2, 3], [1, 2, 3, 4, 5, 6]));
  expect(transposeTensor(float32([], [7]), [])).toEqual(float32([], [7]));
  expect(transposeTensor(float32([0, 2], []), [1, 0])).toEqual(float32([2, 0], []));
});

const stored = {
  ...constantOf(float32([2, 3], [1, 2, 3, 4, 5, 6]), parameterNamed('w', [2, 3])),
  location: { file: 'w.bin', offset: 8, byteLength: 24 },
};

test('reshaping keeps the place of the bytes, transposing does not', async () => {
  const wide = reshaped(stored, [2, 1, 3], [0, null, 1]);
  expect(wide.location).toEqual(stored.location);
  expect((await wide.read()).shape).toEqual([2, 1, 3]);
  expect((await wide.read()).data).toBe(stored.value!.data);
  expect(wide.parameter!.axes).toEqual([0, null, 1]);
  const turned = transposed(wide, [2, 1, 0]);
  expect(turned.location).toBeUndefined();
  expect(turned.parameter).toEqual({ name: 'w', shape: [2, 3], axes: [1, null, 0] });
  expect(turned.shape).toEqual([3, 1, 2]);
});

test('values that are not in memory stay where they are until read', async () => {
  let reads = 0;
  const read = async () => {
    reads++;
    return stored.value!;
  };
  const lazy = { ...stored, value: undefined, read };
  const turned = transposed(lazy, [1, 0]);
  expect([turned.value, reads]).toEqual([undefined, 0]);
  expect((await turned.read()).data).toEqual(Float32Array.of(1, 4, 2, 5, 3, 6));
});
