import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromRanges, hashScores, removalOfManifest, toRanges } from '../src/index.js';

describe('ranges', () => {
  it('packs runs', () =>
    expect(toRanges([7, 0, 1, 2])).toEqual([
      [0, 3],
      [7, 8],
    ]));
  it('round-trips any set (property)', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 60 })), (indices) => {
        expect(fromRanges(toRanges(indices))).toEqual([...indices].sort((a, b) => a - b));
      }),
      { seed: 3 },
    );
  });
  it('replays a removal', () =>
    expect(removalOfManifest({ removed: { g: [[1, 3]] } })).toEqual(new Map([['g', [1, 2]]])));
});

describe('hashScores', () => {
  it('depends on every score and every name', () => {
    const hash = (name: string, ...scores: number[]) => hashScores(new Map([[name, Float32Array.from(scores)]]));
    expect(new Set([hash('a', 1, 2), hash('a', 2, 1), hash('b', 1, 2), hash('a', 1)])).toHaveProperty('size', 4);
    expect(hash('a', 1, 2)).toBe(hash('a', 1, 2));
  });
});
