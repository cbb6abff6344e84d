import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { costOf, type OutputFolder } from '@secateur/core';
import { atomicOutput, nodeFile } from '@secateur/core/node';
import { SecateurError } from '@secateur/graph';
import { initModel } from './init-model.js';
import type { WriteModelOptions } from './write-model.js';

export interface InitPipelineOptions extends Pick<WriteModelOptions, 'dtype' | 'signal' | 'onProgress'> {
  readonly seed: number;
  /** A folder with a tokeniser's files, for tokenisers that the pipeline's folder lacks. */
  readonly tokenizer?: string;
  readonly replace: boolean;
}

export interface InitedPart {
  readonly name: string;
  readonly className: string;
  readonly parameters: number;
  readonly bytes: number;
}

/** Weights: they are made anew. */
const weights = /\.(?:safetensors|bin|ckpt|pt|pth|onnx|msgpack|h5|index\.json)$/i;

/** Larger files are no configuration and no vocabulary. */
const maxBytes = 2 ** 26;

/** Whether a folder holds a whole pipeline's configurations. */
export async function isPipelineFolder(path: string): Promise<boolean> {
  return (await stat(join(path, 'model_index.json')).catch(() => undefined))?.isFile() ?? false;
}

/**
 * A pipeline of random weights from a folder with `model_index.json` and a folder for each part, as a clone of a model's
 * repository without its large files is: parts with a `config.json` of a known class get weights, all else is copied.
 *
 * @throws {SecateurError} BAD_CONFIG; BAD_FILE when a part has no folder; EXISTS, IO
 */
export async function initPipeline(path: string, out: string, options: InitPipelineOptions): Promise<InitedPart[]> {
  const output = await atomicOutput(out, { replace: options.replace });
  try {
    const parts = await writeParts(path, output, options);
    await output.commit();
    return parts;
  } catch (error) {
    await output.discard();
    throw error;
  }
}

async function writeParts(path: string, out: OutputFolder, options: InitPipelineOptions): Promise<InitedPart[]> {
  const { diffusersFormat, modelClasses } = await import('@secateur/diffusers');
  const parts: InitedPart[] = [];
  await copyFiles(path, '', out);
  for (const [name, className] of await partsOf(path)) {
    const folder = join(path, name);
    const found = await stat(folder).catch(() => undefined);
    if (!found?.isDirectory()) {
      if (!name.startsWith('tokenizer') || options.tokenizer === undefined) throw missing(folder, name);
      await copyFiles(options.tokenizer, `${name}/`, out);
      continue;
    }
    if (!modelClasses.has(className)) {
      await copyFiles(folder, `${name}/`, out);
      continue;
    }
    const model = await initModel(folder, options.seed);
    const { dtype, signal, onProgress } = options;
    await diffusersFormat.save(model, below(out, `${name}/`), { dtype, signal, onProgress });
    const { parameters, bytes } = costOf(model);
    parts.push({ name, className, parameters, bytes });
  }
  return parts;
}

/** Parts and their classes; those that are left out (`[null, null]`) are not listed. */
async function partsOf(path: string): Promise<[name: string, className: string][]> {
  const { parsePythonJson } = await import('@secateur/diffusers');
  const file = join(path, 'model_index.json');
  const source = await nodeFile(file);
  try {
    const index = parsePythonJson(await source.read(0, Math.min(source.size, maxBytes)), { file }) as object;
    return Object.entries(index).flatMap(([name, entry]): [string, string][] =>
      /^[a-z][a-z0-9_]*$/.test(name) && Array.isArray(entry) && typeof entry[1] === 'string' ? [[name, entry[1]]] : [],
    );
  } finally {
    await source.close?.();
  }
}

function missing(folder: string, name: string): SecateurError {
  return new SecateurError('BAD_FILE', `${folder} does not exist.`, {
    file: folder,
    field: name,
    hint: name.startsWith('tokenizer')
      ? 'Name a folder with the tokeniser’s files: --tokenizer FOLDER.'
      : 'model_index.json names it.',
  });
}

/** The files at the top of a folder, but for weights. */
async function copyFiles(folder: string, prefix: string, out: OutputFolder): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (!entry.isFile() || weights.test(entry.name) || entry.name.startsWith('.')) continue;
    const source = await nodeFile(path);
    try {
      if (source.size > maxBytes) continue;
      const sink = await out.create(`${prefix}${basename(path)}`);
      await sink.write(await source.read(0, source.size));
      await sink.close();
    } finally {
      await source.close?.();
    }
  }
}

/** A folder of the output. */
function below(out: OutputFolder, prefix: string): OutputFolder {
  return { ...out, create: (path) => out.create(`${prefix}${path}`) };
}
