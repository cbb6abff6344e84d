import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isKept } from '../../src/index.js';
import { type CutOff, CutOffFinder, keepAbove } from '../../src/masks/cut-off.js';
import { keysOfScores, type RankKeys } from '../../src/masks/rank-keys.js';
import { removedLowest } from '../support/sorted-selection.js';

function removedBy(lists: readonly Float32Array[], count: number, held: number): [number, number][] {
  const { cut } = find(lists.map(keysOfScores), count, held);
  let rest = cut;
  const removed: [number, number][] = [];
  for (const [list, scores] of lists.entries()) {
    const kept = keepAbove([scores.length], keysOfScores(scores), rest, held);
    rest = kept.rest;
    for (const element of scores.keys()) if (!isKept(kept.mask, element)) removed.push([list, element]);
  }
  return removed;
}

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

it('needs one pass where scores have no more digits than a float16, two for others', () => {
  const halves = keysOfScores(Float32Array.of(1, 1 + 2 ** -10, 3, 2 ** -24));
  expect(find([halves], 2)).toEqual({ cut: { key: 0x3f800000, ties: 1 }, passes: 1 });
  const singles = keysOfScores(Float32Array.of(1, 1 + 2 ** -23, 3, 2 ** -24));
  expect(find([singles], 3)).toEqual({ cut: { key: 0x3f800001, ties: 1 }, passes: 2 });
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
    expect(finder.next()).toEqual({ key, ties: 1 });
  }
});
