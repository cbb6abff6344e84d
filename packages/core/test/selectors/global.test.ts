import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { globalRanking, isomorphicRanking } from '../../src/index.js';
import { fakeContext, fakeCoupling, fakeGroup, fakeNorm } from '../support/fake-coupling.js';

const coupling = fakeCoupling([fakeGroup('a', 4), fakeGroup('b', 4)]);
const at = (ratio: number) => ({ budget: { kind: 'ratio' as const, ratio } });

describe('globalRanking', () => {
  it('ranks all units together when scores are taken as they are', async () => {
    const context = fakeContext(coupling, { a: [1, 2, 3, 10], b: [4, 5, 6, 7] }, at(0.5));
    const removal = await globalRanking({ normalize: 'none' }).select(context);
    expect(Object.fromEntries(removal)).toEqual({ a: [0, 1, 2], b: [0] });
  });
  it('divides by the mean first, so that the scale of a group does not count', async () => {
    // Means 4 and 40: 0.25 0.5 0.75 2.5 and 0.7 0.8 1 1.5.
    const context = fakeContext(coupling, { a: [1, 2, 3, 10], b: [28, 32, 40, 60] }, at(0.5));
    expect(Object.fromEntries(await globalRanking().select(context))).toEqual({ a: [0, 1, 2], b: [0] });
  });
  it('keeps the order of negative scores', async () => {
    const context = fakeContext(coupling, { a: [-1, -2, -3, -4], b: [1, 1, 1, 1] }, at(0.25));
    expect(Object.fromEntries(await globalRanking().select(context))).toEqual({ a: [2, 3], b: [] });
  });
  it('breaks ties by the order of groups, then by index', async () => {
    const context = fakeContext(coupling, { a: [1, 1, 1, 1], b: [1, 1, 1, 1] }, at(0.625));
    expect(Object.fromEntries(await globalRanking().select(context))).toEqual({ a: [0, 1, 2], b: [0] });
  });
  it('leaves one unit of every group', async () => {
    const context = fakeContext(coupling, { a: [1, 1, 1, 1], b: [9, 9, 9, 9] }, at(0.5));
    expect((await globalRanking({ normalize: 'none' }).select(context)).get('a')).toEqual([0, 1, 2]);
  });
  it('removes exactly the share of units, within one, for any sizes and ratio', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 60 }), {
          minLength: 1,
          maxLength: 5,
        }),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        async (scores, ratio) => {
          const all = fakeCoupling(scores.map((list, i) => fakeGroup(`g${i}`, list.length)));
          const named = Object.fromEntries(scores.map((list, i) => [`g${i}`, list]));
          const removal = await globalRanking().select(fakeContext(all, named, at(ratio)));
          const total = scores.flat().length;
          const removed = [...removal.values()].flat().length;
          // Not more than asked for, and less by at most the one unit that every group keeps and one of rounding.
          expect(removed).toBeLessThanOrEqual(ratio * total + 1e-9);
          expect(removed).toBeGreaterThanOrEqual(Math.floor(ratio * total) - scores.length);
        },
      ),
      { seed: 2, numRuns: 200 },
    );
  });
  it('nests as the budget falls', async () => {
    const scores = { a: [1, 5, 3, 10], b: [4, 2, 6, 7] };
    let before: readonly [string, readonly number[]][] = [];
    for (const remaining of [0.9, 0.7, 0.5, 0.3]) {
      const removal = await globalRanking().select(
        fakeContext(coupling, scores, { budget: { kind: 'params', remaining } }),
      );
      expect([...removal.values()].flat().length / 8).toBeGreaterThanOrEqual(1 - remaining);
      for (const [id, units] of before) expect(removal.get(id)).toEqual(expect.arrayContaining([...units]));
      before = [...removal];
    }
  });
  it('gives groups that meet in a norm one share', async () => {
    const [a, b] = [fakeGroup('a', 8), fakeGroup('b', 4)];
    const meeting = fakeCoupling([a, b], [fakeNorm('n', 3, [a, b])]);
    const scores = { a: [1, 1, 1, 1, 1, 1, 1, 1], b: [9, 9, 9, 9] };
    const removal = await globalRanking({ normalize: 'none' }).select(
      fakeContext(meeting, scores, at(0.5), 'preserve'),
    );
    // Six of twelve stand at or below: half of every cell of four.
    expect(Object.fromEntries(removal)).toEqual({ a: [0, 1, 4, 5], b: [0, 1] });
  });
});

describe('isomorphicRanking', () => {
  it('ranks groups of one structure together and gives every structure the same share', async () => {
    const mixed = fakeCoupling([fakeGroup('a', 2), fakeGroup('b', 2), fakeGroup('c', 4, 'channel', 2)]);
    const scores = { a: [1, 2], b: [8, 9], c: [100, 400, 200, 300] };
    const removal = await isomorphicRanking().select(fakeContext(mixed, scores, at(0.5)));
    // a and b share a ranking, from which two of four go; a keeps one.
    expect(Object.fromEntries(removal)).toEqual({ a: [0], b: [], c: [0, 2] });
  });
});
