import { memoryFolder } from '@secateur/core';
import { webEngine } from '@secateur/runtime/web';
import { DiffusionPipeline } from '../../src/index.js';

export interface Drawn {
  raw: Float32Array;
  previews: number;
  warnings: string[];
  /** Addresses outside the page that anything was fetched from. */
  foreign: string[];
}

/** Draws from a pipeline whose files are served beside the page, as an app would. */
export async function draw(paths: string[], prompts: string[], request: Record<string, unknown>): Promise<Drawn> {
  const warnings: string[] = [];
  const logger = { debug() {}, info() {}, warn: (message: string) => void warnings.push(message) };
  const files: Record<string, Uint8Array> = {};
  for (const path of paths) files[path] = new Uint8Array(await (await fetch(path)).arrayBuffer());
  const engine = await webEngine({ provider: 'wasm', threads: 1 });
  const pipe = await DiffusionPipeline.fromPretrained(memoryFolder(files, 'sd'), { engine, logger });
  let previews = 0;
  const { raw } = await pipe(prompts, {
    ...request,
    onStep: async ({ preview }) => {
      previews += (await preview()).length;
    },
  });
  await pipe.dispose();
  const foreign = performance
    .getEntriesByType('resource')
    .map(({ name }) => name)
    .filter((name) => new URL(name).origin !== location.origin && !name.startsWith('blob:'));
  return { raw: raw.data as Float32Array, previews, warnings, foreign };
}
