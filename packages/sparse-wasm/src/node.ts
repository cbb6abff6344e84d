/** The package's entry in Node, which cannot fetch files: `init` reads the module from disk. Everything else is the same. */
import { readFile } from 'node:fs/promises';
import { type InitOptions, type InitOutput, initFrom } from './init.js';

export * from './exports.js';

/** Loads the kernels; see `init` in `init.ts`. */
export default async function init(options: InitOptions = {}): Promise<InitOutput> {
  return initFrom(options, async (isa) => {
    const folder = isa === 'relaxed' ? 'pkg-relaxed' : 'pkg';
    return new Uint8Array(await readFile(new URL(`../${folder}/web/sparse_wasm_bg.wasm`, import.meta.url)));
  });
}
