import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeFile } from '@secateur/core/node';
import { bytesOf } from '@secateur/graph';
import { readSafetensors } from '@secateur/safetensors';
import { zooPath } from '@secateur/zoo/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadModel, magnitude, prune, saveModel, structured } from '../../src/index.js';

const weights = 'unet/diffusion_pytorch_model.safetensors';

/** Hash of every tensor's bytes, with its shape. */
async function tensorsOf(path: string): Promise<Map<string, { shape: readonly number[]; sha256: string }>> {
  const file = await readSafetensors(await nodeFile(path));
  const hashes = new Map<string, { shape: readonly number[]; sha256: string }>();
  for (const [name, tensor] of file.tensors) {
    const sha256 = createHash('sha256')
      .update(bytesOf(await tensor.read()))
      .digest('hex');
    hashes.set(name, { shape: tensor.shape, sha256 });
  }
  return hashes;
}

describe('bytes of a checkpoint', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'secateur-bytes-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('are those of the input when nothing was cut', async () => {
    await saveModel(await loadModel('zoo:fashion-ddpm-32'), join(folder, 'same'));
    const [before, after] = await Promise.all([
      readFile(join(zooPath('fashion-ddpm-32'), weights)),
      readFile(join(folder, 'same', weights)),
    ]);
    expect(after.equals(before)).toBe(true);
  });

  it('stay the same in every tensor that loses nothing', async () => {
    const model = await loadModel('zoo:fashion-ddpm-32');
    const { model: pruned, cut } = await prune(model, {
      method: structured({ criterion: magnitude() }),
      ratio: 0.3,
      ignore: ['time_embedding.*', 'down_blocks.0.*'],
    });
    await saveModel(pruned, join(folder, 'pruned'));
    const before = await tensorsOf(join(zooPath('fashion-ddpm-32'), weights));
    const after = await tensorsOf(join(folder, 'pruned', weights));
    expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
    const untouched = [...before.keys()].filter((name) => !cut!.kept.has(name));
    expect(untouched.length).toBeGreaterThan(10);
    for (const name of untouched) expect(after.get(name), name).toEqual(before.get(name));
    for (const name of cut!.kept.keys()) expect(after.get(name)!.shape).not.toEqual(before.get(name)!.shape);
  });
});
