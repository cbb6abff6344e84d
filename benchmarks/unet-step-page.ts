/** What `unet-step.mjs --browser` calls inside the page. */
import { type Executable, type Model, memoryFolder, urlSource } from '@secateur/core';
import { diffusersFormat, modelFromWeights, randomWeights } from '@secateur/diffusers';
import { wasmEngineInPage, webEngine } from '@secateur/runtime/web';
import { masked24 } from './mask-24.mjs';
import { noisyFeeds } from './noisy-feeds.mjs';

/** Milliseconds of every timed run, by candidate. */
export async function timeSteps(
  source: { readonly folder: string } | { readonly config: Readonly<Record<string, unknown>> },
  batch: number,
  seconds: number,
): Promise<Record<string, number[]>> {
  const model =
    'folder' in source
      ? await load(source.folder)
      : modelFromWeights('model', source.config, randomWeights(source.config, 1));
  const feeds = noisyFeeds(model, batch);
  const executables: Record<string, Executable> = {
    'ort-web': await (await webEngine({ threads: 1 })).compile(model.graph),
    'wasm dense': await (await wasmEngineInPage()).compile(model.graph),
    'wasm 2:4': await (await wasmEngineInPage()).compile(await masked24(model.graph)),
  };
  const names = Object.keys(executables);
  const times: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]));
  const start = performance.now();
  for (let round = -2; round < 5 || performance.now() - start < 1000 * seconds; round++) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round + 2) % names.length]!;
      const before = performance.now();
      await executables[name]!.run(feeds);
      if (round >= 0) times[name]!.push(performance.now() - before);
    }
  }
  return times;
}

async function load(base: string): Promise<Model> {
  const names = ['config.json', 'diffusion_pytorch_model.safetensors'];
  const sources = await Promise.all(
    names.map(async (name) => [name, await urlSource(new URL(`${base}/${name}`, location.href))] as const),
  );
  return diffusersFormat.load({ folder: memoryFolder(Object.fromEntries(sources), base) });
}
