import { float32 } from '@secateur/graph';
import { expect, it } from 'vitest';
import { createSampler } from '../src/index.js';

const x = float32([1, 1], [1]);
const output = float32([1, 1], [0.5]);
const noise = float32([1, 1], [2]);

/** Betas 0.5 and 0.5: alpha-bar is 0.5, then 0.25. */
const ddpm = (fields: Record<string, unknown>) =>
  createSampler({
    _class_name: 'DDPMScheduler',
    num_train_timesteps: 2,
    trained_betas: [0.5, 0.5],
    clip_sample: false,
    ...fields,
  });

it('takes the step of equations 7 and 15, worked by hand', () => {
  // From t = 1 to 0: x0 = (1 - sqrt(.75) / 2) / .5, mean = sqrt(.5) * .5 / .75 * x0 + sqrt(.5) * .5 / .75 * x,
  // variance = .5 / .75 * .5 = 1 / 3.
  const x0 = (1 - Math.sqrt(0.75) / 2) / 0.5;
  const mean = (Math.SQRT1_2 * (x0 + 1)) / 1.5;
  const { sample, predictedOriginal } = ddpm({}).plan(2).step({ modelOutput: output, sample: x, index: 0, noise });
  expect(predictedOriginal.data[0]).toBeCloseTo(x0, 6);
  expect(sample.data[0]).toBeCloseTo(mean + 2 * Math.sqrt(1 / 3), 6);
  const large = ddpm({ variance_type: 'fixed_large' }).plan(2);
  expect(large.step({ modelOutput: output, sample: x, index: 0, noise }).sample.data[0]).toBeCloseTo(
    mean + Math.SQRT2,
    6,
  );
});

it('ends at x0, without noise', () => {
  const plan = ddpm({}).plan(2);
  expect(plan.timesteps).toEqual([1, 0]);
  expect([plan.drawsNoise(0), plan.drawsNoise(1)]).toEqual([true, false]);
  const { sample, predictedOriginal } = plan.step({ modelOutput: output, sample: x, index: 1 });
  expect(sample.data[0]).toBeCloseTo(predictedOriginal.data[0] as number, 6);
});

it('adds noise of the variance the model learned', () => {
  const plan = ddpm({ variance_type: 'learned', prediction_type: 'sample' }).plan(2);
  const step = (variance: number): number => {
    const wide = float32([1, 2], [0.5, variance]);
    return plan.step({ modelOutput: wide, sample: x, index: 0, noise }).sample.data[0] as number;
  };
  expect(step(0.25) - step(0)).toBeCloseTo(2 * 0.5, 6);
  expect(() => plan.step({ modelOutput: output, sample: x, index: 0, noise })).toThrow(
    expect.objectContaining({ code: 'SHAPE_MISMATCH', field: 'variance_type' }),
  );
});
