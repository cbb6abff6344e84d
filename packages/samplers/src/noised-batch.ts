import type { CalibrationBatch } from '@secateur/core';
import { type DType, float32, int64, SecateurError, type Tensor } from '@secateur/graph';
import type { Sampler } from './sampler.js';

/** What else a model reads, as it takes it. */
export interface Conditions {
  /** By input name, a row per sample: class labels `[samples]`, text embeddings `[samples, tokens, width]`, … */
  readonly perSample?: Readonly<Record<string, Tensor>>;
  /** By input name, the same for all samples: position ids, a guidance scale, … */
  readonly shared?: Readonly<Record<string, Tensor>>;
}

/** How the model's inputs are called. */
export interface InputNames {
  /** Default `sample`. */
  readonly sample?: string;
  /** Default `timestep`. */
  readonly timestep?: string;
}

/** Timesteps as the model takes them. `dtype` is the model input's; default int64. Some (FLUX) take `t / 1000`. */
export function timestepTensor(timesteps: readonly number[], dtype: DType = 'int64', scale = 1): Tensor {
  if (dtype === 'float32')
    return float32(
      [timesteps.length],
      timesteps.map((timestep) => timestep * scale),
    );
  const fraction = timesteps.find((timestep) => !Number.isInteger(timestep));
  if (fraction !== undefined) {
    throw new SecateurError('BAD_OPTION', `The model takes whole timesteps; the sampler wants ${fraction}.`, {
      field: 'timestep',
      hint: 'Set timestep_spacing to leading or trailing in the scheduler configuration.',
    });
  }
  if (dtype === 'int64') return int64(timesteps);
  if (dtype === 'int32') return { dtype, shape: [timesteps.length], data: Int32Array.from(timesteps) };
  throw new SecateurError(
    'UNKNOWN_DTYPE',
    `The model's timestep input is ${dtype}; int64, int32 or float32 is expected.`,
    {
      field: 'timestep',
    },
  );
}

/** Clean samples made noisy, one timestep each, with the answer a perfect model would give. */
export function noisedBatch(
  sampler: Sampler,
  clean: { readonly x0: Tensor; readonly noise: Tensor; readonly timesteps: readonly number[] },
  options: {
    readonly names?: InputNames;
    readonly timestepDType?: DType;
    readonly timestepScale?: number;
    readonly conditions?: Readonly<Record<string, Tensor>>;
  } = {},
): CalibrationBatch {
  const { x0, noise, timesteps } = clean;
  const { sample = 'sample', timestep = 'timestep' } = options.names ?? {};
  return {
    feeds: {
      [sample]: sampler.addNoise(x0, noise, timesteps),
      [timestep]: timestepTensor(timesteps, options.timestepDType, options.timestepScale),
      ...options.conditions,
    },
    target: sampler.target(x0, noise, timesteps),
    timesteps,
    weight: 1,
  };
}
