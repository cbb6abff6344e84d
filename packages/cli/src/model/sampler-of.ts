import type { Logger, Model } from '@secateur/core';
import type { ValueInfo } from '@secateur/graph';
import { SecateurError } from '@secateur/graph';
import type { Sampler } from '@secateur/samplers';

/** The sampler that a model comes with; DDPM's usual schedule, with a warning, when it comes with none. */
export async function samplerOf(model: Model, logger: Logger): Promise<Sampler> {
  const { createSampler } = await import('@secateur/samplers');
  if (model.scheduler) return createSampler(model.scheduler);
  logger.warn(`${model.name} has no scheduler_config.json: taking DDPM with 1,000 linear steps and noise prediction.`);
  return createSampler({ _class_name: 'DDPMScheduler' });
}

/** FLUX takes the timestep as a fraction of the schedule. */
export function timestepScaleOf({ className }: Model): number {
  return className === 'FluxTransformer2DModel' ? 1 / 1000 : 1;
}

/** A denoiser's inputs by what they are for. */
export interface DenoiserInputs {
  /** The noisy picture or latent. */
  readonly sample: ValueInfo;
  readonly timestep: ValueInfo;
  /** Everything else: prompts, class labels, … */
  readonly conditions: readonly ValueInfo[];
}

/** The inputs of a model that draws pictures from noise alone. */
export interface PictureInputs extends DenoiserInputs {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Tells the noisy sample and the timestep from the other inputs; `undefined` when the model is no denoiser. */
export function denoiserInputsOf({ graph: { inputs } }: Model): DenoiserInputs | undefined {
  const named = (name: string) => inputs.find((input) => input.name === name);
  const sample = named('sample') ?? named('hidden_states') ?? inputs.find(({ shape }) => shape.length === 4);
  const timestep = named('timestep') ?? inputs.find(({ name }) => name === 't');
  if (!sample || !timestep) return undefined;
  return { sample, timestep, conditions: inputs.filter((input) => input !== sample && input !== timestep) };
}

/**
 * @param allowed  conditions that may be there, e.g. `class_labels`
 * @throws {SecateurError} BAD_OPTION when the model is no denoiser of pictures, or takes other conditions
 */
export function pictureInputsOf(model: Model, allowed: readonly string[] = []): PictureInputs {
  const inputs = denoiserInputsOf(model);
  const channels = inputs?.sample.shape[1];
  const others = inputs?.conditions.filter(({ name }) => !allowed.includes(name)) ?? [];
  if (!inputs || typeof channels !== 'number' || inputs.sample.shape.length !== 4 || others.length > 0) {
    const names = model.graph.inputs.map(({ name }) => name).join(', ');
    throw new SecateurError('BAD_OPTION', `${model.name} takes ${names}; a picture and a timestep are expected.`, {
      field: 'inputs',
      hint: 'Pictures alone are data for unconditional models. Give the other inputs as well, in a .safetensors file.',
    });
  }
  const { sample } = inputs;
  const sizeAt = (axis: number, symbol: string): number => {
    const dim = sample.shape[axis];
    return typeof dim === 'number' ? dim : (model.sizes[symbol] ?? 0);
  };
  return {
    ...inputs,
    channels,
    height: sizeAt(2, 'height'),
    width: sizeAt(3, 'width'),
  };
}
