import { describe, expect, it } from 'vitest';
import { magnitude } from '../src/index.js';
import { scoreOf, twoChannels } from './tiny-group.js';

describe('magnitude', () => {
  // Sums of squares by tensor: w 5 and 9, bias 1 and 1, scale 0.25 and 4, shift 0 and 1, v 4 and 16.
  it('averages sums of squares over tensors', () => {
    expect(scoreOf(magnitude({ normalize: 'none' }), 2, twoChannels)).toEqual([
      Math.fround(10.25 / 5),
      Math.fround(31 / 5),
    ]);
  });

  it('divides by the mean of the group by default', () => {
    const mean = (10.25 + 31) / 2;
    expect(scoreOf(magnitude(), 2, twoChannels)).toEqual([Math.fround(10.25 / mean), Math.fround(31 / mean)]);
  });

  it('leaves biases and norm parameters out on request', () => {
    expect(scoreOf(magnitude({ normalize: 'none', terms: 'weights' }), 2, twoChannels)).toEqual([4.5, 12.5]);
  });

  it.each([
    [1, [3 + 1 + 0.5 + 0 + 2, 3 + 1 + 2 + 1 + 4]],
    [3, [9 + 1 + 0.125 + 0 + 8, 27 + 1 + 8 + 1 + 64]],
  ])('takes |w| to the power %i', (p, sums) => {
    expect(scoreOf(magnitude({ p, reduce: 'sum', normalize: 'none' }), 2, twoChannels)).toEqual(sums);
  });

  it('takes the largest, the product or the first tensor’s share', () => {
    const reduced = (reduce: 'max' | 'prod' | 'first') =>
      scoreOf(magnitude({ reduce, normalize: 'none', terms: 'weights' }), 2, twoChannels);
    expect(reduced('max')).toEqual([5, 16]);
    expect(reduced('prod')).toEqual([20, 144]);
    expect(reduced('first')).toEqual([5, 9]);
  });

  it('adds up all indices of a unit', () => {
    const slice = {
      tensor: 'w',
      role: 'producer',
      shape: [4],
      axis: 0,
      perUnit: 2,
      indices: [0, 2, 1, 3],
      weights: [1, 2, 3, 4],
    } as const;
    expect(scoreOf(magnitude({ normalize: 'none' }), 2, [slice])).toEqual([1 + 9, 4 + 16]);
  });

  it('refuses an order below 1', () => {
    expect(() => magnitude({ p: 0.5 })).toThrow(/option p/);
  });

  it('scores an element by its size', () => {
    const scores = magnitude().scoreTensor!(
      { tensor: 'w', shape: [3], weights: Float32Array.of(-2, 0, 1) },
      {} as never,
    );
    expect([...scores]).toEqual([2, 0, 1]);
  });
});
