import { type DType, sizeOf, toFloat32 } from '@secateur/graph';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isKept } from '../../src/index.js';
import { HALVES_AT_A_TIME } from '../../src/masks/halves.js';
import { keepNofMByKeys } from '../../src/masks/n-of-m.js';
import { keysOfMagnitudes } from '../../src/masks/rank-keys.js';
import { removedNofM } from '../support/sorted-selection.js';

const infinities = { float16: 0x7c00, bfloat16: 0x7f80 } as const;

/** Few different magnitudes of both signs, zeros, subnormals and the largest among them. */
const patternsOf = (infinity: number) =>
  fc
    .tuple(fc.constantFrom(0, 1, 2, 0x3c00, 0x3c01, infinity - 1), fc.boolean())
    .map(([bits, s]) => bits | (s ? 0x8000 : 0));

function expectSorted(dtype: DType, shape: readonly number[], axis: number, data: Uint16Array): void {
  const weights = { dtype, shape, data };
  const mask = keepNofMByKeys(shape, axis, keysOfMagnitudes('w', weights), 2, 4);
  const removed = [...data.keys()].filter((element) => !isKept(mask, element));
  expect(removed).toEqual(removedNofM(shape, axis, toFloat32(weights).map(Math.abs), 2, 4));
  const unused = 8 * mask.bits.length - data.length;
  if (unused > 0) expect(mask.bits[mask.bits.length - 1]! >> (8 - unused)).toBe(0);
}

it.each(['float16', 'bfloat16'] as const)('keeps what sorting every four keeps, of %s (property)', (dtype) => {
  const dims = fc.tuple(
    fc.integer({ min: 1, max: 5 }),
    fc.integer({ min: 1, max: 5 }).map((fours) => 4 * fours),
    fc.constantFrom(1, 2, 3, 9),
  );
  fc.assert(
    fc.property(dims, fc.boolean(), fc.gen(), (shape, isUnaligned, gen) => {
      const pattern = patternsOf(infinities[dtype]);
      const all = Uint16Array.from({ length: sizeOf(shape) + 1 }, () => gen(() => pattern));
      expectSorted(dtype, shape, 1, isUnaligned ? all.subarray(1) : all.subarray(0, -1));
    }),
    { seed: 1, numRuns: 300 },
  );
});

it.each([[[3, HALVES_AT_A_TIME / 2 + 4, 1]], [[2, 4 * 911, 9]], [[1, 4, HALVES_AT_A_TIME / 4 + 5]]])(
  'joins the pieces of %j',
  (shape) => {
    const data = Uint16Array.from({ length: sizeOf(shape) }, (_, i) => (Math.imul(i, 2654435761) >>> 20) * 7);
    expectSorted('float16', shape, 1, data);
  },
);

it.each([
  ['float16', 0x7c00, 1],
  ['float16', 0xfc00, 9],
  ['bfloat16', 0xff80, 1],
  ['bfloat16', 0x7fc0, 3],
] as const)('names the element that is not finite, of %s %i at stride %i', (dtype, pattern, stride) => {
  const shape = [3, 4, 4000, stride];
  const size = sizeOf(shape);
  for (const element of [0, size - 1, 33_333]) {
    const data = new Uint16Array(size).fill(infinities[dtype] - 1);
    data[element] = pattern;
    const keys = keysOfMagnitudes('w', { dtype, shape, data });
    expect(() => keepNofMByKeys(shape, 2, keys, 2, 4)).toThrow(`at element ${element} of ${size}`);
  }
});

it('finds a last group that is not finite', () => {
  const data = new Uint16Array(12);
  data[11] = 0x7c00;
  const keys = keysOfMagnitudes('w', { dtype: 'float16', shape: [12], data });
  expect(() => keepNofMByKeys([12], 0, keys, 2, 4)).toThrow('at element 11 of 12');
});
