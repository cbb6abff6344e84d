import { readFileSync } from 'node:fs';
import { float32, type Tensor, toFloat32 } from '@secateur/graph';
import { fixturePath, loadFixtureTensors, relativeError } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { createSampler, type PlanOptions, type SamplerState, torchGenerator } from '../src/index.js';

interface Case {
  readonly class: string;
  readonly config: Record<string, unknown>;
  readonly num_inference_steps: number;
  readonly options?: PlanOptions;
}

const shape = [1, 2, 4, 4];
const size = 32;

/** The fixtures' stand-in for a model: tanh(0.7 x + 0.1 sin(t / 100)), in float32. */
function pseudoModel(input: Tensor, timestep: number): Tensor {
  const shift = Math.fround(0.1 * Math.fround(Math.sin(Math.fround(timestep / 100))));
  return float32(
    input.shape,
    toFloat32(input).map((x) => Math.tanh(Math.fround(x * 0.7) + shift)),
  );
}

/** Where the model learned variances, the fixtures' are tanh(x). */
function withVariances(output: Tensor, input: Tensor): Tensor {
  const variances = toFloat32(input).map(Math.tanh);
  return float32([1, 4, 4, 4], [...toFloat32(output), ...variances]);
}

/** Follows a whole trajectory; the noise of step i is a generator's first draw, seeded 1000 + i. */
function follow({ class: _class_name, config, num_inference_steps: steps, options }: Case): {
  timesteps: readonly number[];
  samples: Float32Array;
} {
  const plan = createSampler({ _class_name, ...config }).plan(steps, options);
  const samples = new Float32Array(plan.timesteps.length * size);
  let sample = plan.init(shape, torchGenerator(5));
  let state: SamplerState | undefined;
  for (const [index, timestep] of plan.timesteps.entries()) {
    const input = plan.scaleInput(sample, index);
    const output = pseudoModel(input, timestep);
    const modelOutput = config.variance_type === 'learned_range' ? withVariances(output, input) : output;
    const generator = torchGenerator(1000 + index);
    ({ sample, state } = plan.step({ modelOutput, sample, index, state, generator }));
    samples.set(toFloat32(sample), index * size);
  }
  return { timesteps: plan.timesteps, samples };
}

const readCases = (path: string): unknown => JSON.parse(readFileSync(fixturePath(path), 'utf8'));

// 1e-4 is the promise; measured below 1e-6 everywhere (float32 against sums in double).
describe.each([
  ['schedulers', readCases('schedulers/schedulers.json') as Record<string, Case>],
  ['variants', (readCases('schedulers/variants.json') as { cases: Record<string, Case> }).cases],
])('trajectories of diffusers, %s', (file, cases) => {
  const tensors = loadFixtureTensors(`schedulers/${file}.safetensors`);
  it.each(Object.keys(cases))('%s', (name) => {
    const { timesteps, samples } = follow(cases[name]);
    // Whole timesteps are exact; fractions, read off a table of logarithms, may differ in their last digit.
    const expected = Array.from(tensors[`${name}/timesteps`].data as Float32Array);
    for (const [i, timestep] of expected.entries()) {
      if (Number.isInteger(timestep)) expect(timesteps[i]).toBe(timestep);
    }
    expect(relativeError(timesteps, expected)).toBeLessThan(1e-6);
    const error = relativeError(samples, tensors[`${name}/trajectory`].data as Float32Array);
    expect(error).toBeLessThan(1e-4);
  });
});
