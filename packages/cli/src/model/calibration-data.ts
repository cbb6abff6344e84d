import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Calibration, Logger, Model } from '@secateur/core';
import { nodeFile, nodeFolder } from '@secateur/core/node';
import { SecateurError } from '@secateur/graph';
import { modelPath } from './load-model.js';
import { denoiserInputsOf, samplerOf } from './sampler-of.js';

export interface DataOptions {
  /** A folder of PNGs, an IDX file, or `zoo:NAME`; an absolute path otherwise. */
  readonly path: string;
  /** As the user gave it, for messages. */
  readonly given: string;
  /** How many images. */
  readonly samples: number;
  readonly seed: number;
  readonly logger: Logger;
  readonly signal?: AbortSignal;
}

/**
 * Images made noisy for a model, always with the same noise.
 * @throws {SecateurError} BAD_DATA when there are too few images or one does not fit; BAD_FILE when one is damaged
 */
export async function loadCalibration(model: Model, options: DataOptions): Promise<Calibration> {
  const { given, samples, seed, logger, signal } = options;
  const [{ readImages }, { calibration }] = await Promise.all([import('@secateur/zoo'), import('@secateur/samplers')]);
  const inputs = denoiserInputsOf(model);
  const { channels, height, width } = inputs;
  const path = await modelPath(options.path);
  const found = await stat(path).catch(() => undefined);
  if (!found) {
    throw new SecateurError('IO', `${given} does not exist.`, {
      file: given,
      hint: '--data takes a folder of PNGs, an IDX file (maybe gzipped), or zoo:fashion-mnist.',
    });
  }
  const source = found.isDirectory() ? await nodeFolder(path) : await nodeFile(path);
  const { images, names } = await readImages(source, { channels, height, width, limit: samples, signal });
  if (names.length < samples) {
    logger.warn(`${given} holds ${names.length} images; ${samples} were asked for.`);
  }
  return calibration({
    images,
    sampler: await samplerOf(model, logger),
    noise: seed,
    names: { sample: inputs.sample.name, timestep: inputs.timestep.name },
    timestepDType: inputs.timestepDType,
    source: given.startsWith('zoo:') ? given : basename(path),
  });
}
