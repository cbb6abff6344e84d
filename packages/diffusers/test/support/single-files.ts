import { bytesSource, type Model, memoryOutput } from '@secateur/core';
import type { Constant } from '@secateur/graph';
import { readSafetensors, type SafetensorsFile, writeSafetensors } from '@secateur/safetensors';
import { singleFileFormat } from '../../src/index.js';
import { readJson } from './fixtures.js';
import { variantWeights } from './variants.js';

/** A small checkpoint with original keys, and what diffusers makes of it: see tools/reference/single_files.py. */
export interface SingleFile {
  readonly keys: Record<string, number[]>;
  /** SHA-256, its first 16 digits, of every tensor of every model, by the name in diffusers. */
  readonly components: Record<string, Record<string, string>>;
  readonly bytes: Uint8Array;
}

export const singleFiles = ['sd1', 'sd2', 'sdxl'] as const;

const read = new Map<string, Promise<SingleFile>>();

/** Made once: the weights are computed from the keys. */
export function readSingleFile(name: string): Promise<SingleFile> {
  let file = read.get(name);
  if (!file) read.set(name, (file = makeSingleFile(name)));
  return file;
}

async function makeSingleFile(name: string): Promise<SingleFile> {
  const { keys, components } = readJson(`single-files/${name}.json`) as unknown as SingleFile;
  return { keys, components, bytes: await fileOf(variantWeights({ config: {}, tensors: keys })) };
}

export async function fileOf(
  tensors: ReadonlyMap<string, Pick<Constant, 'dtype' | 'shape' | 'read'>>,
  metadata: Record<string, string> = { format: 'pt' },
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const sink = { write: async (bytes: Uint8Array) => void chunks.push(bytes.slice()), close: async () => {} };
  const list = [...tensors].map(([key, { dtype, shape, read: values }]) => ({
    name: key,
    dtype,
    shape,
    read: () => values(),
  }));
  await writeSafetensors(sink, list, { metadata });
  return new Uint8Array(Buffer.concat(chunks));
}

export const open = (bytes: Uint8Array, component?: string): Promise<Model> =>
  singleFileFormat.load({ file: bytesSource('model.safetensors', bytes), component });

export const headerOf = (bytes: Uint8Array): Promise<SafetensorsFile> =>
  readSafetensors(bytesSource('model.safetensors', bytes));

/** The one file that saving writes. */
export async function saved(model: Model, options = {}): Promise<Uint8Array> {
  const out = memoryOutput();
  const files = await singleFileFormat.save(model, out, options);
  await out.commit();
  if (files.join() !== 'model.safetensors') throw new Error(`wrote ${files.join()}`);
  return out.files.get('model.safetensors')!;
}
