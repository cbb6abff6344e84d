import { float32, toNumbers } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { flux, latents, patches } from '../../src/kinds/flux.js';
import { fakeDenoiser, fakeEncoder, requestFor } from './fake-parts.js';

const conditions = {
  encoder_hidden_states: [512, 6],
  pooled_projections: [5],
  img_ids: [3],
  txt_ids: [3],
  guidance: [],
};
const { model, inputs } = fakeDenoiser(conditions, [32, 16]);

describe('patches', () => {
  // Two channels of 2 x 4: two tokens of 2 x 2, channel after channel.
  const latent = float32([1, 2, 2, 4], [0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17]);
  const tokens = float32([1, 2, 8], [0, 1, 4, 5, 10, 11, 14, 15, 2, 3, 6, 7, 12, 13, 16, 17]);

  it('of 2 by 2 become tokens, and latents again', () => {
    expect(patches(latent)).toEqual(tokens);
    expect(latents(tokens, latent)).toEqual(latent);
  });

  it('of several pictures stay apart', () => {
    const both = float32([2, 2, 2, 4], [...toNumbers(latent), ...toNumbers(latent).map((value) => value + 100)]);
    expect(toNumbers(patches(both)).slice(16, 20)).toEqual([100, 101, 104, 105]);
    expect(latents(patches(both), both)).toEqual(both);
  });
});

it('tells the model where patches stand, and how strongly to follow the prompt', async () => {
  const kind = flux(model, inputs, fakeEncoder('clip', 5), fakeEncoder('t5', 6));
  expect(kind).toMatchObject({ guidanceScale: 3.5, embedsGuidance: true, latent: [4, 128, 128], sizeFactor: 2 });
  const request = requestFor(['ab'], { latentHeight: 4, latentWidth: 6 });
  const { given, without, shared } = await kind.conditions(request);
  expect(without).toBeUndefined();
  expect(given.guidance).toEqual(float32([1], [5]));
  expect(given.pooled_projections).toEqual(float32([1, 5], [2, 2, 2, 2, 2]));
  expect(toNumbers(shared!.img_ids)).toEqual([0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 1, 0, 0, 1, 1, 0, 1, 2]);
  expect(shared!.txt_ids.shape).toEqual([3, 3]);
});

it('plans noise levels down to one step’s share, for its own sampler', () => {
  const kind = flux(model, inputs, fakeEncoder('clip', 5), fakeEncoder('t5', 6));
  const config = { _class_name: 'FlowMatchEulerDiscreteScheduler' };
  expect(kind.plan?.(8, 8, { config, steps: 4 })).toEqual({ sigmas: [1, 0.75, 0.5, 0.25] });
  expect(kind.plan?.(8, 8, { config: { _class_name: 'UniPCMultistepScheduler' }, steps: 4 })).toEqual({});
});

it('cannot be guided where the model does not take it', () => {
  const { guidance: _, ...rest } = conditions;
  const schnell = fakeDenoiser(rest, [32, 16]);
  const kind = flux(schnell.model, schnell.inputs, fakeEncoder('clip', 5), fakeEncoder('t5', 6));
  expect(kind).toMatchObject({ steps: 4 });
  expect(kind.guidanceScale).toBeUndefined();
});
