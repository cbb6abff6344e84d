import { castTensor, type DType, float32 } from '@secateur/graph';
import { expect, it } from 'vitest';
import { inPieces, keysOfMagnitudes, keysOfScores, type RankKeys } from '../../src/masks/rank-keys.js';

const values = [-1e30, -2, -1e-40, -0, 0, 2 ** -24, 0.1, 0.1, 1, 3, 60000];

function all(keys: RankKeys): number[] {
  const into = new Int32Array(keys.size);
  keys.fill(0, keys.size, into);
  return [...into];
}

it('keys rank as the scores do, and -0 as 0', () => {
  const scores = Float32Array.from(values);
  const keys = all(keysOfScores(scores));
  for (let i = 0; i < keys.length; i++) {
    for (let j = 0; j < keys.length; j++)
      expect(Math.sign(keys[i]! - keys[j]!)).toBe(Math.sign(scores[i]! - scores[j]!) + 0);
  }
});

it.each(['float32', 'float16', 'bfloat16', 'float64'] as DType[])(
  'magnitudes stored as %s have the keys of scores |w|',
  (dtype) => {
    const stored = castTensor(float32([values.length - 1], values.slice(1)), dtype);
    const scores = (castTensor(stored, 'float32').data as Float32Array).map(Math.abs);
    expect(all(keysOfMagnitudes('w', stored))).toEqual(all(keysOfScores(scores)));
  },
);

it('a piece is written to the beginning', () => {
  const into = new Int32Array(2);
  keysOfScores(Float32Array.of(9, 1, 2, 9)).fill(1, 3, into);
  expect([...into]).toEqual([0x3f800000, 0x40000000]);
});

it.each(['float32', 'float16', 'float64'] as DType[])('magnitudes stored as %s are visited in pieces', (dtype) => {
  const keys = keysOfMagnitudes('w', castTensor(float32([5], [1, -2, 0, 3, -4]), dtype));
  const visited: [number, number[]][] = [];
  inPieces(keys, 2, (piece, and, first) => visited.push([first, Array.from(piece, (key) => key & and)]));
  const all = [0x3f800000, 0x40000000, 0, 0x40400000, 0x40800000];
  expect(visited).toEqual([0, 2, 4].map((first) => [first, all.slice(first, first + 2)]));
});

it.each(['float32', 'float16', 'bfloat16'] as DType[])('a weight in %s that is not finite is named', (dtype) => {
  for (const bad of [Number.NaN, Number.NEGATIVE_INFINITY]) {
    const stored = castTensor(float32([4], [1, 2, bad, 3]), dtype);
    expect(() => all(keysOfMagnitudes('conv.weight', stored))).toThrow(
      expect.objectContaining({
        code: 'BAD_DATA',
        field: 'conv.weight',
        message: `Weight conv.weight holds ${bad} at element 2 of 4.`,
      }),
    );
  }
});
