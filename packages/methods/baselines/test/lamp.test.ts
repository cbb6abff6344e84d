import { describe, expect, it } from 'vitest';
import { lamp } from '../src/index.js';
import { scoreOf, twoChannels } from './tiny-group.js';

describe('lamp', () => {
  it('divides the sum of squares by all sums that are not smaller', () => {
    // Sums of squares: 10.25 and 31.
    expect(scoreOf(lamp(), 2, twoChannels)).toEqual([Math.fround(10.25 / 41.25), 1]);
  });

  it('scores elements the same way', () => {
    const scores = lamp().scoreTensor!({ tensor: 'w', shape: [3], weights: Float32Array.of(2, -1, 3) }, {} as never);
    // Squares 4, 1, 9: 4/13, 1/14, 9/9.
    expect([...scores]).toEqual([Math.fround(4 / 13), Math.fround(1 / 14), 1]);
  });

  it('takes equal weights in order of index', () => {
    const scores = lamp().scoreTensor!({ tensor: 'w', shape: [2], weights: Float32Array.of(1, -1) }, {} as never);
    expect([...scores]).toEqual([0.5, 1]);
  });
});
