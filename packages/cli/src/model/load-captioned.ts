import { type Calibration, type Engine, type Model, silentLogger } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import type { LoadImagesOptions } from './load-images.js';
import { modelPath, zooPrefix } from './load-model.js';
import { denoiserInputsOf, samplerOf, timestepScaleOf } from './sampler-of.js';

/** The pictures that have captions. */
const captioned = `${zooPrefix}fashion-mnist`;

/** Where a model was taken from, and what runs the other parts of its pipeline. */
export interface PipelineParts {
  /** Path of the pipeline's folder, or `zoo:NAME`. */
  readonly path: string;
  readonly engine: Engine;
  readonly threads?: number;
}

/** Whether data are pictures with captions, and the model takes what text encoders make of them. */
export function takesCaptions(model: Model, path: string): boolean {
  const conditions = denoiserInputsOf(model)?.conditions ?? [];
  return path === captioned && conditions.some(({ name }) => name === 'encoder_hidden_states');
}

/**
 * The zoo's pictures and captions as calibration data for the denoiser of a text-to-image pipeline: latents by its
 * autoencoder, conditions by its text encoders, made noisy as its scheduler says.
 *
 * @throws {SecateurError} BAD_OPTION when the model comes without a pipeline; what reading and running its parts throws
 */
export async function loadCaptioned(
  model: Model,
  pipeline: PipelineParts | undefined,
  { samples = 64, seed = 0, logger = silentLogger, signal }: LoadImagesOptions,
): Promise<Calibration> {
  const inputs = denoiserInputsOf(model)!;
  if (!pipeline) {
    throw new SecateurError(
      'BAD_OPTION',
      `${model.name} takes text: its pipeline’s folder is needed to encode captions.`,
      {
        field: 'data',
        hint: 'Give all inputs of the model in a .safetensors file.',
      },
    );
  }
  const [{ encodeSamples }, { calibration }, { nodeFolder }, { zooCaptions, zooImages }] = await Promise.all([
    import('@secateur/pipelines'),
    import('@secateur/samplers'),
    import('@secateur/core/node'),
    import('@secateur/zoo/node'),
  ]);
  const { path, engine, threads } = pipeline;
  const pictures = await zooImages({ count: samples });
  const prompts = await zooCaptions({ count: samples, seed });
  const folder = await nodeFolder(await modelPath(path));
  const encoded = await encodeSamples(folder, { engine, threads, pictures, prompts, seed, logger, signal });
  return calibration({
    images: encoded.samples,
    sampler: await samplerOf(model, logger),
    noise: seed,
    names: { sample: inputs.sample.name, timestep: inputs.timestep.name },
    timestepDType: inputs.timestep.dtype,
    timestepScale: timestepScaleOf(model),
    conditions: { perSample: encoded.conditions, shared: encoded.shared },
    source: captioned,
  });
}
