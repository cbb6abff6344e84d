/** The package's entry in Node, which cannot fetch files: `init` reads the module from disk. Everything else is the same. */
import { readFile } from 'node:fs/promises';
import { type InitOptions, type InitOutput, initFrom, instantiateFrom } from './init.js';
import type { Isa } from './kernels.list.js';

export * from './exports.js';

/** Loads the kernels; see `init` in `init.ts`. */
export default async function init(options: InitOptions = {}): Promise<InitOutput> {
  return initFrom(options, readModule);
}

/** A new instance with a memory of its own; see `instantiate` in `init.ts`. */
export async function instantiate(options: InitOptions = {}): Promise<InitOutput> {
  return instantiateFrom(options, readModule);
}

async function readModule(isa: Isa): Promise<Uint8Array<ArrayBuffer>> {
  const folder = isa === 'relaxed' ? 'pkg-relaxed' : 'pkg';
  return new Uint8Array(await readFile(new URL(`../${folder}/web/sparse_wasm_bg.wasm`, import.meta.url)));
}
