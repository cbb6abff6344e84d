import type { SourceFolder } from '@secateur/core';
import { SecateurError, type Tensor } from '@secateur/graph';
import { torchGenerator } from '@secateur/samplers';
import { denoiserInputs } from './denoiser.js';
import { type FromPretrainedOptions, kindOf, OpenedFolder } from './from-pretrained.js';
import { jsonIfAny } from './load-part.js';

export interface EncodeSamplesRequest extends Omit<FromPretrainedOptions, 'sampler'> {
  /** `[count, channels, height, width]` in [-1, 1]. */
  readonly pictures: Tensor;
  /** One a picture. */
  readonly prompts: readonly string[];
  /** Of the draw from the autoencoder's distributions. Default 0. */
  readonly seed?: number;
  /** Pictures and prompts at once. Default 8. */
  readonly batchSize?: number;
}

/** What a pipeline's denoiser is trained on. */
export interface EncodedSamples {
  /** Latents; the pictures themselves where there is no autoencoder. */
  readonly samples: Tensor;
  /** The denoiser's other inputs by name, a row for each picture. */
  readonly conditions: Readonly<Record<string, Tensor>>;
  /** Inputs that are the same for all pictures. */
  readonly shared: Readonly<Record<string, Tensor>>;
}

/**
 * Pictures and prompts through a pipeline's autoencoder and text encoders: data to calibrate or train its denoiser with.
 *
 * @throws {SecateurError} BAD_OPTION when there is not a prompt a picture, the pipeline takes none, or the denoiser takes
 *   latents in another form than the autoencoder gives them; what
 *   {@link fromPretrained} throws
 */
export async function encodeSamples(folder: SourceFolder, request: EncodeSamplesRequest): Promise<EncodedSamples> {
  const { pictures, prompts, seed = 0, batchSize = 8, signal } = request;
  const [count, , height, width] = pictures.shape;
  if (prompts.length !== count) {
    throw new SecateurError('BAD_OPTION', `There are ${prompts.length} prompts for ${count} pictures.`, {
      field: 'prompts',
    });
  }
  const opened = new OpenedFolder(folder, request);
  const denoiser = await opened.denoiser();
  const index = (await jsonIfAny(folder, 'model_index.json')) ?? {};
  const vae = await opened.autoencoder(index);
  const inputs = denoiserInputs(denoiser.model);
  if (inputs.sample.shape.length !== 4) {
    throw new SecateurError('BAD_OPTION', `The denoiser’s ${inputs.sample.name} is no picture of latents.`, {
      field: inputs.sample.name,
    });
  }
  const kind = kindOf(denoiser, inputs, await opened.textEncoders(denoiser, index), index);
  try {
    if (kind.takes !== 'prompts') {
      throw new SecateurError('BAD_OPTION', `${kind.name} takes ${kind.takes}, no prompts.`, { field: 'prompts' });
    }
    const samples = vae ? await vae.encode(pictures, torchGenerator(seed), { batchSize, signal }) : pictures;
    const [, , latentHeight, latentWidth] = samples.shape;
    const size = { height, width, latentHeight, latentWidth };
    const texts = { prompts, labels: [], count, guidanceScale: 1, batchSize, signal };
    const { given, shared = {} } = await kind.conditions({ ...texts, ...size });
    return { samples, conditions: given, shared };
  } finally {
    await vae?.dispose();
    await kind.dispose();
  }
}
