import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  type ByteSource,
  type Calibration,
  type Logger,
  type Model,
  type SourceFolder,
  silentLogger,
} from '@secateur/core';
import { nodeFile, nodeFolder } from '@secateur/core/node';
import { SecateurError } from '@secateur/graph';
import type { ImageOptions, ImageSet } from '@secateur/zoo';
import { loadCaptioned, type PipelineParts, takesCaptions } from './load-captioned.js';
import { labelInput, loadLabels, takesLabels } from './load-labels.js';
import { modelPath, zooPrefix } from './load-model.js';
import { loadSamples } from './load-samples.js';
import { pictureInputsOf, samplerOf } from './sampler-of.js';

export interface LoadImagesOptions {
  /** How many images, the first ones. Default: all. */
  readonly samples?: number;
  /** Of the noise. Default 0. */
  readonly seed?: number;
  /** Default: silent. */
  readonly logger?: Logger;
  readonly signal?: AbortSignal;
  /** The pipeline that the model belongs to, for data that its other parts have to encode. */
  readonly pipeline?: PipelineParts;
}

/**
 * Calibration data for a model: {@link loadImages} of pictures, or {@link loadSamples} of a `.safetensors` file, which may
 * also hold prompts, class labels and whatever else the model takes; `zoo:fashion-mnist` with captions for models that take text.
 */
export async function loadCalibration(
  model: Model,
  path: string,
  options: LoadImagesOptions = {},
): Promise<Calibration> {
  if (takesCaptions(model, path)) return loadCaptioned(model, options.pipeline, options);
  return /\.safetensors$/i.test(path) ? loadSamples(model, path, options) : loadImages(model, path, options);
}

/**
 * Images as calibration data for a model: made noisy as its scheduler says, always with the same noise. For models that take
 * class labels, an IDX file with its file of labels beside it.
 *
 * @param path  a folder of pictures (PNG, JPEG, WebP), an IDX file (maybe gzipped), or `zoo:fashion-mnist`
 * @throws {SecateurError} BAD_DATA when there are no images or one does not fit; BAD_FILE when one is damaged; IO
 */
export async function loadImages(model: Model, path: string, options: LoadImagesOptions = {}): Promise<Calibration> {
  const { samples, seed = 0, logger = silentLogger, signal } = options;
  const { calibration } = await import('@secateur/samplers');
  const inputs = pictureInputsOf(model, [labelInput]);
  const { channels, height, width } = inputs;
  const { source, name } = await openImages(path);
  const { images, names } = await readPictures(source, { channels, height, width, limit: samples, signal });
  if (samples !== undefined && names.length < samples) {
    logger.warn(`${path} holds ${names.length} images; ${samples} were asked for.`);
  }
  return calibration({
    images,
    sampler: await samplerOf(model, logger),
    noise: seed,
    names: { sample: inputs.sample.name, timestep: inputs.timestep.name },
    timestepDType: inputs.timestep.dtype,
    conditions: takesLabels(model) ? { perSample: await loadLabels(path, names) } : undefined,
    source: name,
  });
}

/** `readImages` of the zoo, with JPEG and WebP as Node unpacks them. */
export async function readPictures(source: SourceFolder | ByteSource, options: ImageOptions): Promise<ImageSet> {
  const [{ readImages }, { nodePictureDecoders }] = await Promise.all([
    import('@secateur/zoo'),
    import('@secateur/zoo/node'),
  ]);
  return readImages(source, { ...options, decoders: nodePictureDecoders() });
}

/**
 * A folder of images, or a file of them, with the name it goes by in manifests.
 * @throws {SecateurError} IO when there is nothing at `path`
 */
export async function openImages(path: string): Promise<{ source: SourceFolder | ByteSource; name: string }> {
  const place = await modelPath(path);
  const found = await stat(place).catch(() => undefined);
  if (!found) {
    throw new SecateurError('IO', `${path} does not exist.`, {
      file: path,
      hint: 'Give a folder of pictures (PNG, JPEG, WebP), an IDX file (maybe gzipped), or zoo:fashion-mnist.',
    });
  }
  const source = found.isDirectory() ? await nodeFolder(place) : await nodeFile(place);
  return { source, name: path.startsWith(zooPrefix) ? path : basename(place) };
}
