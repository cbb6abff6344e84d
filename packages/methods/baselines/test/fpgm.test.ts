import { describe, expect, it } from 'vitest';
import { fpgm } from '../src/index.js';
import { scoreOf } from './tiny-group.js';

describe('fpgm', () => {
  /** Filters (0, 0), (3, 4), (0, 8): distances 5, 8 and 5, so sums 13, 10 and 13. */
  const filters = { tensor: 'w', role: 'producer', shape: [3, 2], axis: 0, weights: [0, 0, 3, 4, 0, 8] } as const;
  const expected = [13, 10, 13].map((sum) => Math.fround(sum / 12));

  it('scores the filter nearest to all others lowest', () => {
    expect(scoreOf(fpgm(), 3, [filters])).toEqual(expected);
  });

  it('looks at what makes the channel, not at what reads it', () => {
    const reader = { tensor: 'v', role: 'consumer', shape: [1, 3], axis: 1, weights: [100, 0, -7] } as const;
    expect(scoreOf(fpgm(), 3, [filters, reader])).toEqual(expected);
  });

  it('takes several indices of a unit as one filter', () => {
    const halves = {
      tensor: 'w',
      role: 'producer',
      shape: [6],
      axis: 0,
      perUnit: 2,
      indices: [0, 3, 1, 4, 2, 5],
      weights: [0, 3, 0, 0, 4, 8],
    } as const;
    expect(scoreOf(fpgm(), 3, [halves])).toEqual(expected);
  });

  it('has nothing to go by without a producer', () => {
    expect(scoreOf(fpgm(), 3, [{ ...filters, role: 'consumer' }])).toBeUndefined();
  });
});
