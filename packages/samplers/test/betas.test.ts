import { expect, it } from 'vitest';
import { alphasCumprod, betaFields, linspace } from '../src/betas.js';
import { readFields } from '../src/config-fields.js';

const config = (fields: Record<string, unknown>) => readFields(fields, betaFields());

it('multiplies 1 - beta of the betas given', () => {
  const alphas = alphasCumprod(config({ num_train_timesteps: 3, trained_betas: [0.5, 0.25, 0] }));
  expect(alphas).toEqual(Float32Array.of(0.5, 0.375, 0.375));
});

it('spaces linear betas evenly and scaled_linear ones evenly in the root', () => {
  const linear = alphasCumprod(config({ num_train_timesteps: 3, beta_start: 0.25, beta_end: 0.75 }));
  expect(linear).toEqual(Float32Array.of(0.75, 0.375, 0.09375));
  const scaled = { num_train_timesteps: 2, beta_start: 0.0625, beta_end: 0.25, beta_schedule: 'scaled_linear' };
  expect(alphasCumprod(config(scaled))).toEqual(Float32Array.of(0.9375, 0.703125));
});

it('agrees with DDPM at both ends of 1,000 steps', () => {
  const alphas = alphasCumprod(config({}));
  expect(alphas[0]).toBe(Math.fround(1 - Math.fround(0.0001)));
  expect(alphas[999]).toBeCloseTo(4.0358e-5, 8);
});

it('rescales to no signal at the end, and keeps the first value', () => {
  const plain = alphasCumprod(config({ num_train_timesteps: 100 }));
  const zero = alphasCumprod(config({ num_train_timesteps: 100 }), { zeroSnr: true });
  expect(zero[99]).toBe(0);
  expect(zero[0]).toBeCloseTo(plain[0], 6);
  expect(alphasCumprod(config({ num_train_timesteps: 100 }), { zeroSnr: true, last: 2 ** -24 })[99]).toBe(2 ** -24);
});

it('refuses a list of betas of the wrong length', () => {
  expect(() => alphasCumprod(config({ trained_betas: [0.1] }))).toThrow(
    expect.objectContaining({ code: 'BAD_CONFIG', field: 'trained_betas' }),
  );
});

it('spaces numbers in float32 from both ends', () => {
  expect(linspace(0, 1, 5)).toEqual(Float32Array.of(0, 0.25, 0.5, 0.75, 1));
  expect(linspace(3, 4, 1)).toEqual(Float32Array.of(4));
});
