import { dirname } from 'node:path';
import { type Engine, type FeatureExtractor, parseJson, type SourceFolder } from '@secateur/core';
import { nodeFolder } from '@secateur/core/node';
import { SecateurError } from '@secateur/graph';
import { modelFeatures, type Preprocess, readPreprocessorConfig } from '@secateur/metrics';
import { loadModel, modelPath, zooPrefix } from '../model/load-model.js';

export interface LoadFeaturesOptions {
  readonly engine: Engine;
  readonly threads?: number;
  /** Output that holds the features. Default: the only one, or the one called `features`. */
  readonly output?: string;
  readonly signal?: AbortSignal;
}

/** Beside the model, or above it: transformers.js keeps models in a folder `onnx`. */
const configPlaces = ['.', '..'];
const configName = 'preprocessor_config.json';
/** A larger file is no such configuration. */
const maxBytes = 2 ** 20;

/**
 * A feature extractor from an ONNX file, or `zoo:fashion-classifier`. A `preprocessor_config.json` beside it or one folder
 * above says how pictures are resized and normalised; without one they go in as they are, in [-1, 1].
 *
 * @throws {SecateurError} what {@link loadModel} and `modelFeatures` throw; BAD_CONFIG for a configuration that means
 *   something else
 */
export async function loadFeatures(path: string, options: LoadFeaturesOptions): Promise<FeatureExtractor> {
  const model = await loadModel(path);
  const preprocess = await preprocessOf(await modelPath(path));
  const name = path.startsWith(zooPrefix) ? path.slice(zooPrefix.length) : model.name.replace(/\.onnx$/i, '');
  return modelFeatures(model, { ...options, name, ...(preprocess && { preprocess }) });
}

async function preprocessOf(place: string): Promise<Preprocess | undefined> {
  for (const relative of configPlaces) {
    const folder = await nodeFolder(`${dirname(place)}/${relative}`);
    const config = await readConfig(folder);
    if (config) return config;
  }
  return undefined;
}

async function readConfig(folder: SourceFolder): Promise<Preprocess | undefined> {
  if (!(await folder.has(configName))) return undefined;
  const file = await folder.open(configName);
  try {
    if (file.size > maxBytes) {
      throw new SecateurError('BAD_FILE', `${file.name} has ${file.size} bytes; at most ${maxBytes} are read.`, {
        file: file.name,
      });
    }
    return readPreprocessorConfig(parseJson(await file.read(0, file.size), { file: file.name }), file.name);
  } finally {
    await file.close?.();
  }
}

/** The features that suit the data, when it comes from the zoo. */
export async function featuresFor(data: string): Promise<string | undefined> {
  if (!data.startsWith(zooPrefix)) return undefined;
  const { zooEntries } = await import('@secateur/zoo');
  const features = zooEntries.find(({ name }) => name === data.slice(zooPrefix.length))?.features;
  return features === undefined ? undefined : `${zooPrefix}${features}`;
}
