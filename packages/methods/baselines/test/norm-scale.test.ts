import { describe, expect, it } from 'vitest';
import { normScale } from '../src/index.js';
import { scoreOf, twoChannels } from './tiny-group.js';

describe('norm-scale', () => {
  it('is the size of the norm’s scale', () => {
    expect(scoreOf(normScale(), 2, twoChannels)).toEqual([0.5, 2]);
  });

  it('averages over the norms that a channel passes', () => {
    const second = { tensor: 's2', role: 'scale', shape: [2], axis: 0, weights: [-1.5, 1] } as const;
    expect(scoreOf(normScale(), 2, [...twoChannels, second])).toEqual([1, 1.5]);
  });

  it('leaves a group without a norm whole', () => {
    expect(
      scoreOf(
        normScale(),
        2,
        twoChannels.filter(({ role }) => role !== 'scale'),
      ),
    ).toBeUndefined();
  });
});
