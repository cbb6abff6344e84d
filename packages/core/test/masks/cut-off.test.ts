import { castTensor, float32, type Tensor, toFloat32 } from '@secateur/graph';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isKept } from '../../src/index.js';
import { type CutOff, CutOffFinder, keepAbove } from '../../src/masks/cut-off.js';
import { keysOfMagnitudes, keysOfScores, type RankKeys } from '../../src/masks/rank-keys.js';
import { removedLowest } from '../support/sorted-selection.js';

function removedBy(lists: readonly Float32Array[], count: number, held: number): [number, number][] {
  return removedByKeys(lists.map(keysOfScores), count, held);
}

function removedByKeys(lists: readonly RankKeys[], count: number, held?: number): [number, number][] {
  let rest = find(lists, count, held).cut;
  const removed: [number, number][] = [];
  for (const [list, keys] of lists.entries()) {
    const { mask, rest: next } = keepAbove([keys.size], keys, rest, held);
    rest = next;
    for (let element = 0; element < keys.size; element++) if (!isKept(mask, element)) removed.push([list, element]);
    const unused = 8 * mask.bits.length - keys.size;
    if (unused > 0) expect(mask.bits[mask.bits.length - 1]! >> (8 - unused)).toBe(0);
  }
  return removed;
}

/** Stored in one of several dtypes; of 16 bits, also where words do not begin. */
const stored = (value: fc.Arbitrary<number>) =>
  fc
    .tuple(
      fc.array(value, { maxLength: 40 }),
      fc.constantFrom('float16' as const, 'bfloat16' as const, 'float32' as const),
      fc.boolean(),
    )
    .map(([values, dtype, isUnaligned]): Tensor => {
      if (!isUnaligned || dtype === 'float32') return castTensor(float32([values.length], values), dtype);
      const { data } = castTensor(float32([values.length + 1], [1, ...values]), dtype);
      return { dtype, shape: [values.length], data: data.subarray(1) };
    });

function find(keys: readonly RankKeys[], count: number, held?: number): { cut: CutOff; passes: number } {
  const finder = new CutOffFinder(held);
  finder.start(count);
  for (let passes = 1; ; passes++) {
    for (const one of keys) finder.add(one);
    const cut = finder.next();
    if (cut) return { cut, passes };
  }
}

const scores = (of: fc.Arbitrary<number>) =>
  fc.array(
    fc.array(of, { maxLength: 12 }).map((list) => Float32Array.from(list)),
    { minLength: 1, maxLength: 4 },
  );

it.each([
  ['few values, so that ties are frequent', fc.constantFrom(-2, -1, -0, 0, 0.5, 1, 1.0000001, 3)],
  ['any floats', fc.float({ noNaN: true, noDefaultInfinity: true })],
])('removes what sorting removes, however few keys are held (property): %s', (_, value) => {
  fc.assert(
    fc.property(
      scores(value),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.integer({ min: 1, max: 9 }),
      (lists, ratio, held) => {
        const count = Math.floor(ratio * lists.reduce((sum, list) => sum + list.length, 0));
        expect(removedBy(lists, count, held)).toEqual(removedLowest(lists, count));
      },
    ),
    { seed: 1, numRuns: 200 },
  );
});

it.each([
  ['few values', fc.constantFrom(-2, -1, -0, 0, 0.5, 1, 1 + 2 ** -7, 1 + 2 ** -10, 65504)],
  ['any halves', fc.float({ noNaN: true, min: -60000, max: 60000 })],
])('removes of weights of any stored form, mixed, what sorting removes (property): %s', (_, value) => {
  fc.assert(
    fc.property(
      fc.array(stored(value), { minLength: 1, maxLength: 4 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (tensors, ratio) => {
        const lists = tensors.map((tensor) => toFloat32(tensor).map(Math.abs));
        const count = Math.floor(ratio * lists.reduce((sum, list) => sum + list.length, 0));
        const keys = tensors.map((tensor) => keysOfMagnitudes('w', tensor));
        expect(removedByKeys(keys, count)).toEqual(removedLowest(lists, count));
      },
    ),
    { seed: 1, numRuns: 500 },
  );
});

it('joins the pieces of a long tensor of halves, wherever its ties end', () => {
  const data = Uint16Array.from({ length: 70_001 }, (_, i) => (Math.imul(i, 2654435761) >>> 29) + 0x3c00);
  const tensor: Tensor = { dtype: 'float16', shape: [data.length], data };
  const scores = toFloat32(tensor);
  for (const count of [0, 1, 8191, 8192, 8193, 35_000, 70_000, 70_001]) {
    const removed = removedByKeys([keysOfMagnitudes('w', tensor)], count);
    expect(removed).toEqual(removedLowest([scores], count));
  }
});

it.each(['float16', 'bfloat16', 'float32'] as const)('says which weight in %s is not finite', (dtype) => {
  const values = new Float32Array(40_001).fill(2);
  values[39_999] = -Infinity;
  const finder = new CutOffFinder();
  finder.start(1);
  const keys = keysOfMagnitudes('w', castTensor(float32([values.length], values), dtype));
  expect(() => finder.add(keys)).toThrow('Weight w holds -Infinity at element 39999 of 40001.');
});

it('needs one pass over weights of 16 bits, two over scores', () => {
  const values = float32([4], [1, -1 - 2 ** -10, 3, 2 ** -24]);
  const halves = keysOfMagnitudes('w', castTensor(values, 'float16'));
  expect(find([halves], 2)).toEqual({ cut: { key: 0x3f800000, ties: 1 }, passes: 1 });
  const singles = keysOfMagnitudes('w', float32([4], [1, -1 - 2 ** -23, 3, 2 ** -24]));
  expect(find([singles], 3)).toEqual({ cut: { key: 0x3f800001, ties: 1 }, passes: 2 });
  expect(find([halves, singles], 5)).toEqual({ cut: { key: 0x3f800001, ties: 1 }, passes: 2 });
});

it('can be started again', () => {
  const finder = new CutOffFinder();
  const keys = keysOfScores(Float32Array.of(4, 2, 6));
  for (const [count, key] of [
    [1, 0x40000000],
    [3, 0x40c00000],
  ] as const) {
    finder.start(count);
    finder.add(keys);
    expect(finder.next()).toBeUndefined();
    finder.add(keys);
    expect(finder.next()).toEqual({ key, ties: 1 });
  }
});
