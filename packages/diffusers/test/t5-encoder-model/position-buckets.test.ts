import { describe, expect, it } from 'vitest';
import { positionBuckets } from '../../src/t5-encoder-model/position-buckets.js';
import { readJson } from '../support/fixtures.js';

interface Table {
  readonly buckets: number;
  readonly maxDistance: number;
  /** Buckets from three positions before the farthest to three behind. */
  readonly table: number[];
}

const tables = readJson('text-encoders/position-buckets.json') as unknown as Table[];

describe('positionBuckets', () => {
  it.each(tables)('are transformers’: $buckets up to $maxDistance', ({ buckets, maxDistance, table }) => {
    expect(positionBuckets(buckets, maxDistance)).toEqual(table.slice(3, -3));
    // Nothing is farther than the farthest.
    expect(new Set(table.slice(0, 4)).size).toBe(1);
    expect(new Set(table.slice(-4)).size).toBe(1);
  });

  it('worked out by hand: 8 buckets up to 6', () => {
    // Four for each direction: 0 and 1 alone; from 2 on, 2 + log(d / 2) / log(3) * 2 rounded down, at most 3.
    expect(positionBuckets(8, 6)).toEqual([3, 3, 3, 2, 2, 1, 0, 5, 6, 6, 7, 7, 7]);
  });
});
