import { float32 } from '@secateur/graph';
import { expectClose, seededTensor } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { createSampler, type SamplerState, samplerNamed, samplerNames, torchGenerator } from '../src/index.js';
import { halvesOfChannels } from '../src/scheduler.js';

const shape = [2, 3, 2, 2];
const sample = seededTensor(1, shape);
const modelOutput = seededTensor(2, shape);
const badOption = (field: string) => expect.objectContaining({ code: 'BAD_OPTION', field });

describe.each(samplerNames)('%s', (name) => {
  const plan = samplerNamed(name).plan(5);

  it('is pure: a step leaves its inputs alone and gives the same again; the state survives being stored', () => {
    let state: SamplerState | undefined;
    let current = plan.init(shape, torchGenerator(3));
    for (const index of plan.timesteps.keys()) {
      const input = { modelOutput, sample: current, index, state, noise: seededTensor(index, shape) };
      const before = structuredClone(input);
      const result = plan.step(input);
      expect(input).toEqual(before);
      expect(plan.step(before)).toEqual(result);
      expect(result.sample.shape).toEqual(shape);
      expect(result.predictedOriginal.shape).toEqual(shape);
      expect(Object.values(result.state).every((tensor) => tensor.dtype === 'float32')).toBe(true);
      ({ sample: current, state } = result);
    }
    expect((current.data as Float32Array).every(Number.isFinite)).toBe(true);
  });

  it('ignores learned variances that follow the output', () => {
    const wide = float32(
      [2, 6, 2, 2],
      [0, 1].flatMap((b) => [...modelOutput.data.slice(12 * b, 12 * b + 12), ...new Array(12).fill(9)]),
    );
    const noise = seededTensor(4, shape);
    expect(plan.step({ modelOutput: wide, sample, index: 0, noise })).toEqual(
      plan.step({ modelOutput, sample, index: 0, noise }),
    );
  });

  it('refuses indices out of range, outputs of another shape, and noise missing or of another shape', () => {
    expect(() => plan.step({ modelOutput, sample, index: plan.timesteps.length })).toThrow(badOption('index'));
    const mismatch = expect.objectContaining({ code: 'SHAPE_MISMATCH' });
    const noise = seededTensor(4, shape);
    expect(() => plan.step({ modelOutput: seededTensor(1, [2, 3, 2, 3]), sample, index: 0, noise })).toThrow(mismatch);
    if (!plan.drawsNoise(0)) return;
    expect(() => plan.step({ modelOutput, sample, index: 0 })).toThrow(badOption('generator'));
    expect(() => plan.step({ modelOutput, sample, index: 0, noise: seededTensor(1, [1]) })).toThrow(mismatch);
  });
});

it('takes noise levels of one’s own for flow matching, before they are shifted', () => {
  const plan = samplerNamed('flow-match-euler', { shift: 3 }).plan(2, { sigmas: [1, 0.5] });
  // 3 s / (1 + 2 s): 1 and 3/4 of 1,000 timesteps.
  expect(plan.timesteps).toEqual([1000, 750]);
});

describe('steps left out at the start', () => {
  it.each(samplerNames)('%s: the rest is planned as before, from a sample as noisy as it is there', (name) => {
    const config = { skip_prk_steps: true };
    const [whole, rest] = [samplerNamed(name, config).plan(6), samplerNamed(name, config).plan(6, { skip: 2 })];
    expect(rest.timesteps).toEqual(whole.timesteps);
    expect([whole.begin, rest.begin]).toEqual([0, name === 'heun' ? 4 : 2]);
    // What the model sees of the noised sample: the process at that timestep, whatever the sampler's own scale.
    const noise = seededTensor(5, shape);
    const [timestep] = rest.timesteps.slice(rest.begin);
    if (!Number.isInteger(timestep)) return;
    const seen = rest.scaleInput(rest.noised(sample, noise), rest.begin);
    expectClose(
      seen.data as Float32Array,
      samplerNamed(name, config).addNoise(sample, noise, timestep).data as Float32Array,
      1e-5,
    );
    expect(() => rest.step({ modelOutput, sample, index: rest.begin - 1, noise })).toThrow(badOption('index'));
    expect(rest.step({ modelOutput, sample, index: rest.begin, noise }).sample.shape).toEqual(shape);
  });

  it('cannot be all, nor be left out of Runge-Kutta steps', () => {
    for (const skip of [-1, 1.5, 4]) expect(() => samplerNamed('ddim').plan(4, { skip })).toThrow(badOption('skip'));
    expect(() => samplerNamed('pndm').plan(6, { skip: 1 })).toThrow(badOption('skip'));
  });
});

it.each(['heun', 'pndm', 'dpm-solver', 'unipc'])('%s refuses a step without what the step before left', (name) => {
  expect(() => samplerNamed(name).plan(5).step({ modelOutput, sample, index: 1 })).toThrow(badOption('state'));
});

it('refuses options of other classes, and values out of range', () => {
  expect(() => samplerNamed('euler').plan(5, { eta: 1 })).toThrow(badOption('eta'));
  expect(() => samplerNamed('ddim').plan(5, { mu: 1 })).toThrow(badOption('mu'));
  for (const sigmas of [[1], [1, 0], [1.5, 1]]) {
    expect(() => samplerNamed('flow-match-euler').plan(2, { sigmas })).toThrow(badOption('sigmas'));
  }
  expect(() => samplerNamed('ddim').plan(5, { eta: 2 })).toThrow(badOption('eta'));
  expect(() => samplerNamed('flow-match-euler', { use_dynamic_shifting: true }).plan(5)).toThrow(badOption('mu'));
  expect(() => samplerNamed('pndm').plan(3)).toThrow(badOption('steps'));
  expect(() => samplerNamed('lcm').plan(51)).toThrow(badOption('steps'));
});

it('refuses plans that leave the model’s timesteps', () => {
  const sampler = createSampler({ _class_name: 'DDIMScheduler', steps_offset: 500 });
  expect(() => sampler.plan(2)).not.toThrow();
  expect(() => sampler.plan(4)).toThrow(badOption('steps'));
});

it('starts sigma samplers from noise of the first sigma', () => {
  const plan = samplerNamed('euler').plan(3);
  const first = plan.init([1, 20], torchGenerator(0)).data as Float32Array;
  const unit = torchGenerator(0).randn([20]).data as Float32Array;
  expect(first[0] / unit[0]).toBeCloseTo(plan.initialNoiseScale, 4);
  expect(plan.initialNoiseScale).toBeGreaterThan(100);
  // The model sees unit variance.
  expect((plan.scaleInput(float32([1], [plan.initialNoiseScale]), 0).data as Float32Array)[0]).toBeCloseTo(1, 4);
});

it('parts channels into halves', () => {
  const [low, high] = halvesOfChannels(float32([2, 2, 1], [1, 2, 3, 4]));
  expect([low.data, high.data]).toEqual([Float32Array.of(1, 3), Float32Array.of(2, 4)]);
});
