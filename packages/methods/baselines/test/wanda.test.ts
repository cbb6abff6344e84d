import { describe, expect, it } from 'vitest';
import { wanda } from '../src/index.js';
import { scoreOf, type TinySlice, twoChannels } from './tiny-group.js';

describe('wanda', () => {
  it('weighs every weight by the norm of the input it multiplies', () => {
    // w reads inputs of norm 2 and 3: 1·2 + 2·3 = 8 and 3·2 + 0·3 = 6; v reads the channels, of norm 5 and 7: 10 and 28.
    const mean = ((8 + 10) / 2 + (6 + 28) / 2) / 2;
    expect(scoreOf(wanda(), 2, twoChannels)).toEqual([Math.fround(9 / mean), Math.fround(17 / mean)]);
  });

  it('finds the input axis of a convolution, and of a linear weight stored as [in, out]', () => {
    const conv: TinySlice = {
      tensor: 'c',
      role: 'producer',
      shape: [2, 2, 1, 2],
      axis: 0,
      weights: [1, 1, 2, 2, 0, 1, 0, 3],
      inputNorms: { axis: 1, norms: [10, 1] },
    };
    // Unit 0: (1 + 1)·10 + (2 + 2)·1 = 24; unit 1: 1·10 + 3·1 = 13.
    expect(scoreOf(wanda(), 2, [conv])).toEqual([24, 13].map((score) => Math.fround(score / 18.5)));
    const linear: TinySlice = {
      tensor: 'l',
      role: 'producer',
      shape: [2, 2],
      axis: 1,
      weights: [1, 2, 3, 4],
      inputNorms: { axis: 0, norms: [10, 1] },
    };
    // Unit 0: 1·10 + 3·1; unit 1: 2·10 + 4·1.
    expect(scoreOf(wanda(), 2, [linear])).toEqual([13, 24].map((score) => Math.fround(score / 18.5)));
  });

  it('has nothing to go by without an input', () => {
    expect(
      scoreOf(
        wanda(),
        2,
        twoChannels.filter(({ role }) => role === 'scale'),
      ),
    ).toBeUndefined();
  });

  it('scores elements', () => {
    const view = { tensor: 'w', shape: [2, 2], weights: Float32Array.of(1, -2, 3, 0) };
    const scores = wanda().scoreTensor!(view, {
      inputNorms: () => ({ axis: 1, norms: Float32Array.of(2, 3) }),
    } as never);
    expect([...scores]).toEqual([2, 6, 6, 0]);
  });
});
