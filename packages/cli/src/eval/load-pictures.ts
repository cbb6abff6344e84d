import { type Logger, type Model, silentLogger } from '@secateur/core';
import { evaluateDim, SecateurError, type Tensor } from '@secateur/graph';
import { openImages, readPictures } from '../model/load-images.js';
import { denoiserInputsOf } from '../model/sampler-of.js';

export interface LoadPicturesOptions {
  /** How many, the first ones. Default: all. */
  readonly count?: number;
  /** Default: silent. */
  readonly logger?: Logger;
  readonly signal?: AbortSignal;
}

/**
 * Real pictures of the size that a model draws.
 *
 * @param path  as for {@link loadImages}
 * @returns float32 `[count, channels, height, width]` in [-1, 1]
 * @throws {SecateurError} as {@link loadImages}
 */
export async function loadPictures(model: Model, path: string, options: LoadPicturesOptions = {}): Promise<Tensor> {
  const { count, logger = silentLogger, signal } = options;
  const [channels, height, width] = pictureShapeOf(model);
  const { source } = await openImages(path);
  const { images } = await readPictures(source, { channels, height, width, limit: count, signal });
  const [found] = images.shape;
  if (count !== undefined && found! < count) logger.warn(`${path} holds ${found} images; ${count} were asked for.`);
  return images;
}

function pictureShapeOf(model: Model): [channels: number, height: number, width: number] {
  const sample = denoiserInputsOf(model)?.sample;
  const shape = sample?.shape.slice(1).map((dim) => evaluateDim(dim, model.sizes));
  if (shape?.length === 3) return shape as [number, number, number];
  throw new SecateurError('BAD_OPTION', `${model.name} draws no pictures.`, {
    field: 'model',
    hint: 'Its input must be [batch, channels, height, width], with a timestep.',
  });
}
