import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { nodeEngine } from '@secateur/runtime/node';
import { fixturePath } from '@secateur/testkit';
import { hubCache } from '@secateur/transformers/node';
import { expect, it } from 'vitest';
import { DiffusionPipeline } from '../src/node.js';
import { tinyFiles, tinyFolder } from './tiny-pipeline.js';

it('opens pipelines by path', async () => {
  const pipe = await DiffusionPipeline.fromPretrained(fixturePath('unet2d-tiny'), {
    engine: await nodeEngine({ threads: 1 }),
    sampler: 'ddim',
  });
  expect((await pipe({ steps: 1 })).images).toHaveLength(1);
  await pipe.dispose();
});

it('opens pipelines of the hub, and takes only the files it needs', async () => {
  const files = { ...(await tinyFiles('sd')), 'unet/diffusion_pytorch_model.fp16.safetensors': new Uint8Array(8) };
  const place = await mkdtemp(join(tmpdir(), 'secateur-hub-'));
  try {
    const cache = hubCache(place);
    const commit = 'd'.repeat(40);
    await cache.remember('some/model', 'main', {
      commit,
      files: Object.entries(files).map(([path, bytes]) => ({ path, size: bytes.byteLength })),
    });
    for (const [path, bytes] of Object.entries(await tinyFiles('sd'))) {
      const target = join(place, 'some--model', commit, path);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, bytes);
    }
    const engine = await nodeEngine({ threads: 1 });
    const hub = { cache, offline: true };
    const pipe = await DiffusionPipeline.fromPretrained('hf:some/model', { engine, hub });
    const own = await DiffusionPipeline.fromPretrained(await tinyFolder('sd'), { engine });
    expect(await pipe('the sea', { steps: 1 })).toEqual(await own('the sea', { steps: 1 }));
    await pipe.dispose();
    await own.dispose();
  } finally {
    await rm(place, { recursive: true });
  }
});
