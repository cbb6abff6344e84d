import { describe, expect, it } from 'vitest';
import { taylor } from '../src/index.js';
import { scoreOf, twoChannels } from './tiny-group.js';

// w·g by tensor: w (1, -2 | -3, 0), bias 2 and -3, scale 2 and -2, shift 0 and 0.5, v -2 and -2.
describe('taylor', () => {
  it.each([
    ['abs-sum', [1 + 2 + 2 + 0 + 2, 3 + 3 + 2 + 0.5 + 2]],
    ['sum-abs', [3 + 2 + 2 + 0 + 2, 3 + 3 + 2 + 0.5 + 2]],
    ['squared', [5 + 4 + 4 + 0 + 4, 9 + 9 + 4 + 0.25 + 4]],
  ] as const)('form %s', (form, sums) => {
    expect(scoreOf(taylor({ form, reduce: 'sum', normalize: 'none' }), 2, twoChannels)).toEqual(sums);
  });

  it('counts weights alone on request', () => {
    expect(scoreOf(taylor({ reduce: 'sum', normalize: 'none', terms: 'weights' }), 2, twoChannels)).toEqual([3, 5]);
  });

  it('counts the scale and shift of a norm (Torch-Pruning 1.6 leaves GroupNorm out and never reaches BatchNorm)', () => {
    const norm = twoChannels.filter(({ role }) => role === 'scale' || role === 'norm-bias');
    expect(scoreOf(taylor({ reduce: 'sum', normalize: 'none' }), 2, norm)).toEqual([2, 2.5]);
    const whole = scoreOf(taylor({ reduce: 'sum', normalize: 'none' }), 2, twoChannels)!;
    const without = scoreOf(
      taylor({ reduce: 'sum', normalize: 'none' }),
      2,
      twoChannels.filter((slice) => !norm.includes(slice)),
    )!;
    expect(whole.map((score, unit) => score - without[unit])).toEqual([2, 2.5]);
  });

  it('scores an element by |w·g|', () => {
    const view = { tensor: 'w', shape: [3], weights: Float32Array.of(1, -2, 3) };
    expect([...taylor().scoreTensor!(view, { gradients: () => Float32Array.of(-4, 0.5, 0) } as never)]).toEqual([
      4, 1, 0,
    ]);
  });

  it('needs gradients summed with sign', () => {
    expect(taylor().needs).toContainEqual({ kind: 'gradients', accumulate: 'sum' });
  });
});
