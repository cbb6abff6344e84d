import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countKept, isKept, keepLargest, keepLargestOfAll, keepNofM, parsePattern } from '../../src/index.js';

const keptOf = (mask: Parameters<typeof isKept>[0], size: number) =>
  Array.from({ length: size }, (_, i) => i).filter((i) => isKept(mask, i));

describe('keepNofM', () => {
  it('keeps the two largest of four along the last axis, ties to the lower index', () => {
    const mask = keepNofM([2, 4], 1, Float32Array.of(1, 4, 2, 3, 5, 5, 5, 5), 2, 4);
    expect(keptOf(mask, 8)).toEqual([1, 3, 4, 5]);
  });
  it('runs along an inner axis of a convolution weight [out, in, kh, kw]', () => {
    // in = 2, one of two along it: for each (out, k) the larger of the two input channels.
    const mask = keepNofM([1, 2, 1, 2], 1, Float32Array.of(1, 9, 3, 4), 1, 2);
    expect(keptOf(mask, 4)).toEqual([1, 2]);
  });
  it('keeps min(n, length) of a short last run', () => {
    expect(keptOf(keepNofM([5], 0, Float32Array.of(1, 2, 3, 4, 0), 2, 4), 5)).toEqual([2, 3, 4]);
  });
  it('never keeps more than n of a run (property)', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 2, max: 5 }),
        fc.integer({ min: 1, max: 4 }),
        (outer, length, inner, m, nRaw) => {
          const n = Math.min(nRaw, m - 1);
          const scores = Float32Array.from({ length: outer * length * inner }, (_, i) => (i * 7919) % 31);
          const mask = keepNofM([outer, length, inner], 1, scores, n, m);
          for (let o = 0; o < outer; o++) {
            for (let i = 0; i < inner; i++) {
              for (let from = 0; from < length; from += m) {
                const run = Array.from(
                  { length: Math.min(m, length - from) },
                  (_, k) => (o * length + from + k) * inner + i,
                );
                expect(run.filter((element) => isKept(mask, element))).toHaveLength(Math.min(n, run.length));
              }
            }
          }
        },
      ),
      { seed: 1, numRuns: 100 },
    );
  });
});

describe('keepLargest and keepLargestOfAll', () => {
  it('removes floor(ratio * size) of the lowest, lower indices first', () => {
    expect(keptOf(keepLargest([5], Float32Array.of(2, 1, 1, 3, 1), 0.5), 5)).toEqual([0, 3, 4]);
  });
  it('ranks all tensors together', () => {
    const masks = keepLargestOfAll(
      [
        { shape: [2], scores: Float32Array.of(1, 5) },
        { shape: [3], scores: Float32Array.of(0, 6, 7) },
      ],
      0.4,
    );
    expect(masks.map(countKept)).toEqual([1, 2]);
  });
  it('removes exactly the asked number under ties (property)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 8 }), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        (lists, ratio) => {
          const tensors = lists.map((list) => ({ shape: [list.length], scores: Float32Array.from(list) }));
          const total = lists.flat().length;
          const kept = keepLargestOfAll(tensors, ratio).reduce((sum, mask) => sum + countKept(mask), 0);
          expect(kept).toBe(total - Math.floor(ratio * total));
        },
      ),
      { seed: 2, numRuns: 200 },
    );
  });
});

describe('parsePattern', () => {
  it('reads N:M', () => expect(parsePattern('2:4')).toEqual({ kind: 'n:m', n: 2, m: 4 }));
  it.each(['4:2', '0:4', '2:2', '2:', 'x', '1:65'])('refuses %s', (text) => {
    expect(() => parsePattern(text)).toThrowError(expect.objectContaining({ code: 'BAD_OPTION' }));
  });
});
