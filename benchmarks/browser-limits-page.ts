/** What `browser-limits.mjs` calls inside the page. */
import { type Model, memoryFolder, sampleFeeds, urlSource } from '@secateur/core';
import { diffusersFormat } from '@secateur/diffusers';
import { webEngine } from '@secateur/runtime/web';

export interface Tried {
  readonly loadMs: number;
  readonly runMs: number;
  /** Whether every output is a finite number. */
  readonly finite: boolean;
  readonly engine: string;
}

/** Loads a checkpoint by URL ranges and runs it once. */
export async function tryModel(
  base: string,
  provider: 'wasm' | 'webgpu',
  threads: number,
  latent: number,
): Promise<Tried> {
  const start = performance.now();
  const model = await load(base);
  const engine = await webEngine({ provider, threads });
  const executable = await engine.compile(model.graph);
  const loaded = performance.now();
  const feeds = sampleFeeds({ ...model, sizes: { ...model.sizes, height: latent, width: latent } });
  const { out } = await executable.run(feeds);
  const done = performance.now();
  const finite = (out!.data as Float32Array).every((value) => Number.isFinite(value));
  await executable.dispose();
  return { loadMs: loaded - start, runMs: done - loaded, finite, engine: await engine.describe() };
}

async function load(base: string): Promise<Model> {
  const names = ['config.json', 'diffusion_pytorch_model.safetensors'];
  const sources = await Promise.all(
    names.map(async (name) => [name, await urlSource(new URL(`${base}/${name}`, location.href))] as const),
  );
  return diffusersFormat.load({ folder: memoryFolder(Object.fromEntries(sources), base) });
}
