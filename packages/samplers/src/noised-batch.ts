import type { CalibrationBatch } from '@secateur/core';
import { type DType, float32, int64, SecateurError, type Tensor } from '@secateur/graph';
import type { Sampler } from './sampler.js';

/** How the model's inputs are called. */
export interface InputNames {
  /** Default `sample`. */
  readonly sample?: string;
  /** Default `timestep`. */
  readonly timestep?: string;
}

/** Timesteps as the model takes them. `dtype` is the model input's; default int64. */
export function timestepTensor(timesteps: readonly number[], dtype: DType = 'int64'): Tensor {
  if (dtype === 'float32') return float32([timesteps.length], timesteps);
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
  options: { readonly names?: InputNames; readonly timestepDType?: DType } = {},
): CalibrationBatch {
  const { x0, noise, timesteps } = clean;
  const { sample = 'sample', timestep = 'timestep' } = options.names ?? {};
  return {
    feeds: {
      [sample]: sampler.addNoise(x0, noise, timesteps),
      [timestep]: timestepTensor(timesteps, options.timestepDType),
    },
    target: sampler.target(x0, noise, timesteps),
    timesteps,
    weight: 1,
  };
}
