import type { Logger, Model } from '@secateur/core';
import type { DType, ValueInfo } from '@secateur/graph';
import { SecateurError } from '@secateur/graph';
import type { Sampler } from '@secateur/samplers';

/** The sampler that a model comes with; DDPM's usual schedule, with a warning, when it comes with none. */
export async function samplerOf(model: Model, logger: Logger): Promise<Sampler> {
  const { createSampler } = await import('@secateur/samplers');
  if (model.scheduler) return createSampler(model.scheduler);
  logger.warn(`${model.name} has no scheduler_config.json: taking DDPM with 1,000 linear steps and noise prediction.`);
  return createSampler({ _class_name: 'DDPMScheduler' });
}

/** A denoiser's inputs by what they are for. */
export interface DenoiserInputs {
  readonly sample: ValueInfo;
  readonly timestep: ValueInfo;
  readonly timestepDType: DType;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Finds the picture and the timestep among a model's inputs.
 * @throws {SecateurError} BAD_OPTION when the model is no unconditional denoiser of pictures
 */
export function denoiserInputsOf(model: Model): DenoiserInputs {
  const { inputs } = model.graph;
  const sample = inputs.find(({ name }) => name === 'sample') ?? inputs.find(({ shape }) => shape.length === 4);
  const timestep = inputs.find(({ name }) => name === 'timestep') ?? inputs.find(({ shape }) => shape.length <= 1);
  const channels = sample?.shape[1];
  const others = inputs.filter((input) => input !== sample && input !== timestep);
  if (!sample || !timestep || typeof channels !== 'number' || others.length > 0) {
    throw new SecateurError(
      'BAD_OPTION',
      `${model.name} takes ${inputs.map(({ name }) => name).join(', ')}; a picture and a timestep are expected.`,
      {
        field: 'inputs',
        hint: 'Calibration data and pictures are for unconditional models. Use a criterion that looks at weights alone.',
      },
    );
  }
  const sizeAt = (axis: number, symbol: string): number => {
    const dim = sample.shape[axis];
    return typeof dim === 'number' ? dim : (model.sizes[symbol] ?? 0);
  };
  return {
    sample,
    timestep,
    timestepDType: timestep.dtype,
    channels,
    height: sizeAt(2, 'height'),
    width: sizeAt(3, 'width'),
  };
}
