import { stat } from 'node:fs/promises';
import { basename, dirname, relative, resolve, sep } from 'node:path';
import type { Format, FormatSource, Model } from '@secateur/core';
import { nodeFile, nodeFolder } from '@secateur/core/node';
import { SecateurError } from '@secateur/graph';
import { withNeighbours } from './neighbours.js';

export interface LoadModelOptions {
  /** Formats besides diffusers and ONNX. */
  readonly formats?: readonly Format[];
  /** Which model of a pipeline or a checkpoint of several, e.g. `vae`. Default: the denoiser. */
  readonly component?: string;
}

/** The prefix of models that come with Secateur. */
export const zooPrefix = 'zoo:';

/**
 * Reads a model's headers: a diffusers folder (pipeline or single model), a `.safetensors` with its `config.json` beside
 * it or with the original keys of Stable Diffusion, an `.onnx` file, or `zoo:NAME`. Weights stay on disk until they are needed.
 *
 * @throws {SecateurError} IO when there is nothing at `path`; BAD_FILE, BAD_CONFIG, UNKNOWN_OP when it is no model that
 *   Secateur knows
 */
export async function loadModel(path: string, options: LoadModelOptions = {}): Promise<Model> {
  const place = await modelPath(path);
  const source = { ...(await openSource(place, path)), component: options.component };
  const format = await formatOf(source, options.formats ?? []);
  const loaded = await format.load(source);
  const model = loaded.config || !source.folder ? loaded : await withNeighbours(loaded, source.folder);
  const folder = source.file ? dirname(place) : place;
  return {
    ...model,
    name: basename(path.startsWith(zooPrefix) ? path.slice(zooPrefix.length) : resolve(place)),
    // Manifests hold the names: they must be the same wherever the model lies.
    files: async () => (await model.files()).map(({ name, sha256 }) => ({ name: nameInside(folder, name), sha256 })),
  };
}

/** A file's name as seen from the model's folder, with `/`. */
function nameInside(folder: string, name: string): string {
  const inside = relative(folder, name);
  return name.startsWith(folder) && !inside.startsWith('..') ? inside.split(sep).join('/') : name;
}

/** Where a model lies on disk: `zoo:NAME` looked up, anything else as it is. */
export async function modelPath(path: string): Promise<string> {
  if (!path.startsWith(zooPrefix)) return path;
  const { zooPath } = await import('@secateur/zoo/node');
  return zooPath(path.slice(zooPrefix.length));
}

async function openSource(path: string, given: string): Promise<FormatSource> {
  const found = await stat(path).catch(() => undefined);
  if (!found) {
    throw new SecateurError('IO', `${given} does not exist.`, {
      file: given,
      hint: 'Name a diffusers folder, a .safetensors with its config.json beside it, an .onnx file, or zoo:NAME.',
    });
  }
  if (found.isDirectory()) return { folder: await nodeFolder(path) };
  return { file: await nodeFile(path), folder: await nodeFolder(dirname(resolve(path))) };
}

/** By extension for files, so that a damaged one is told about by its own format; by content for folders. */
async function formatOf(source: FormatSource, more: readonly Format[]): Promise<Format> {
  const name = source.file?.name ?? source.folder?.name ?? '';
  for (const format of more) if (await format.detect(source)) return format;
  if (source.file) {
    if (/\.onnx$/i.test(name)) return onnx();
    if (/\.safetensors$/i.test(name)) return (await (await singleFile()).detect(source)) ? singleFile() : diffusers();
    if (pickles.test(name)) throw pickled(name);
  } else {
    for (const format of [await diffusers(), await onnx()]) if (await format.detect(source)) return format;
    // A folder with a configuration and nothing else is a diffusers model that is incomplete: its format says what lacks.
    if (await source.folder!.has('config.json')) return diffusers();
  }
  throw new SecateurError('BAD_FILE', `${name} is no model that Secateur knows.`, {
    file: name,
    hint: 'It reads diffusers folders (config.json and diffusion_pytorch_model.safetensors, or model_index.json), .safetensors with config.json or original keys, and .onnx.',
  });
}

const pickles = /\.(?:ckpt|pt|pth|bin|pkl)$/i;

function pickled(name: string): SecateurError {
  return new SecateurError('BAD_FILE', `${name} is a pickle, which can run code when it is read: it is never opened.`, {
    file: name,
    hint: 'Save the model as .safetensors with the library that wrote it.',
  });
}

async function singleFile(): Promise<Format> {
  return (await import('@secateur/diffusers')).singleFileFormat;
}

async function diffusers(): Promise<Format> {
  return (await import('@secateur/diffusers')).diffusersFormat;
}

async function onnx(): Promise<Format> {
  return (await import('@secateur/onnx')).onnxFormat;
}
