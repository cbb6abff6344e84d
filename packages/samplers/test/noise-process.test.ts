import { float32, type Tensor } from '@secateur/graph';
import { loadFixtureTensors, relativeError } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { createSampler } from '../src/index.js';
import { addNoise, straightFlow, trainingTarget, variancePreserving, velocity } from '../src/noise-process.js';

const half = variancePreserving(Float32Array.of(1, 0.64));
const x0 = float32([2, 1], [10, 20]);
const noise = float32([2, 1], [1, -1]);

it('mixes signal and noise by the root of their variances', () => {
  expect(addNoise(half, x0, noise, 1).data).toEqual(Float32Array.of(10 * 0.8 + 0.6, 20 * 0.8 - 0.6));
  expect(addNoise(half, x0, noise, [0, 1]).data).toEqual(Float32Array.of(10, 20 * 0.8 - 0.6));
});

it('has for velocity what a quarter turn in the plane of signal and noise gives', () => {
  expect(velocity(half, x0, noise, 1).data).toEqual(Float32Array.of(0.8 - 6, -0.8 - 12));
});

it('goes straight from data to noise in flow matching', () => {
  expect(addNoise(straightFlow(1000), x0, noise, 250).data).toEqual(Float32Array.of(7.75, 14.75));
  expect(trainingTarget(straightFlow(1000), 'flow_prediction', { x0, noise, timesteps: 250 }).data).toEqual(
    Float32Array.of(-9, -21),
  );
});

it('has the prediction type’s target', () => {
  const batch = { x0, noise, timesteps: 1 };
  expect(trainingTarget(half, 'epsilon', batch)).toBe(noise);
  expect(trainingTarget(half, 'sample', batch)).toBe(x0);
  expect(trainingTarget(half, 'v_prediction', batch)).toEqual(velocity(half, x0, noise, 1));
});

it('refuses timesteps out of range, and lists of the wrong length', () => {
  for (const timestep of [-1, 2, 0.5]) {
    expect(() => addNoise(half, x0, noise, timestep)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
  }
  expect(() => addNoise(straightFlow(10), x0, noise, 11)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
  expect(() => addNoise(half, x0, noise, [1])).toThrow(expect.objectContaining({ code: 'SHAPE_MISMATCH' }));
});

describe('the trained DDPM of the fixtures', () => {
  const { images, noise: eps } = loadFixtureTensors('fashion-ddpm-32/diff-pruning.safetensors') as Record<
    string,
    Tensor
  >;
  const golden = loadFixtureTensors('fashion-ddpm-32/golden.safetensors') as Record<string, Tensor>;
  const timesteps = [10, 100, 250, 400, 550, 700, 850, 990];

  it('gets the same noisy pictures as from diffusers: two roundings of float32 at most', () => {
    const sampler = createSampler({ _class_name: 'DDPMScheduler', beta_schedule: 'linear' });
    const noisy = sampler.addNoise(images, eps, timesteps);
    expect(relativeError(noisy.data, golden['in.sample'].data)).toBeLessThan(3e-7);
    expect(sampler.target(images, eps, timesteps).data).toEqual(golden.target.data);
  });
});
