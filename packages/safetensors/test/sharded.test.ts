import { memoryFolder, type SourceFolder } from '@secateur/core';
import { toNumbers } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { readShardedSafetensors } from '../src/index.js';
import { fileOf } from './bytes.js';

/** A file of one-byte tensors, valued 1, 2, … */
function shardOf(names: readonly string[], metadata: Record<string, string> = { format: 'pt' }): Uint8Array {
  const fields = names.map((name, i) => [name, { dtype: 'U8', shape: [1], data_offsets: [i, i + 1] }]);
  const header = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(fields) });
  return fileOf(
    header,
    Uint8Array.from(names, (_, i) => i + 1),
  );
}

function folderOf(weightMap: unknown, files: Record<string, Uint8Array>, metadata?: unknown): SourceFolder {
  const index = new TextEncoder().encode(JSON.stringify({ metadata, weight_map: weightMap }));
  return memoryFolder({ 'unet/x.safetensors.index.json': index, ...files }, 'model');
}

const shards = {
  'unet/1.safetensors': shardOf(['a', 'b']),
  'unet/2.safetensors': shardOf(['c'], { format: 'np', by: 'me' }),
};
const good = { a: '1.safetensors', b: '1.safetensors', c: '2.safetensors' };

describe('readShardedSafetensors', () => {
  it('joins the shards beside the index', async () => {
    const folder = folderOf(good, shards, { total_size: 3 });
    const checkpoint = await readShardedSafetensors(folder, 'unet/x.safetensors.index.json');
    expect([...checkpoint.tensors.keys()]).toEqual(['a', 'b', 'c']);
    expect(toNumbers(await checkpoint.tensors.get('b')!.read())).toEqual([2]);
    expect(checkpoint.tensors.get('c')!.source.name).toBe('unet/2.safetensors');
    expect(checkpoint.metadata).toEqual({ format: 'pt', by: 'me' });
    expect(checkpoint.sources).toHaveLength(2);
  });

  it.each([
    ['a tensor that its shard lacks', { ...good, d: '2.safetensors' }, /d is not in 2/],
    ['a tensor that the index lacks', { a: '1.safetensors', c: '2.safetensors' }, /b is in 1.*does not list/],
    ['a tensor in another shard', { ...good, b: '2.safetensors' }, /b is in 1.*says 2/],
    ['a path out of the folder', { ...good, c: '../2.safetensors' }, /leaves/],
    ['an absolute path', { ...good, c: '/etc/2.safetensors' }, /absolute/],
    ['a file of another kind', { ...good, c: '2.bin' }, /2\.bin/],
    ['a number for a shard', { ...good, c: 2 }, /is in 2/],
    ['no tensors', {}, /no tensors/],
    ['no weight_map', [], /no `weight_map`/],
  ])('refuses %s', async (_what, weightMap, words) => {
    const reading = readShardedSafetensors(folderOf(weightMap, shards), 'unet/x.safetensors.index.json');
    await expect(reading).rejects.toMatchObject({ code: 'BAD_FILE', message: expect.stringMatching(words) });
  });

  it('refuses shards that hold more or fewer bytes than the index states, where it states a number of bytes', async () => {
    for (const total of [2, 4]) {
      const reading = readShardedSafetensors(
        folderOf(good, shards, { total_size: total }),
        'unet/x.safetensors.index.json',
      );
      await expect(reading).rejects.toMatchObject({
        code: 'BAD_FILE',
        field: 'metadata.total_size',
        message: expect.stringContaining(`states ${total} bytes of tensors; its shards hold 3`),
      });
    }
    for (const metadata of [undefined, {}, { total_size: 1.5 }]) {
      await readShardedSafetensors(folderOf(good, shards, metadata), 'unet/x.safetensors.index.json');
    }
  });

  it('refuses a tensor that two shards hold', async () => {
    const twice = { ...shards, 'unet/2.safetensors': shardOf(['c', 'a']) };
    const reading = readShardedSafetensors(folderOf(good, twice), 'unet/x.safetensors.index.json');
    await expect(reading).rejects.toMatchObject({ code: 'BAD_FILE', field: 'a' });
  });

  it('names a missing shard', async () => {
    const folder = folderOf(good, { 'unet/1.safetensors': shards['unet/1.safetensors'] });
    const reading = readShardedSafetensors(folder, 'unet/x.safetensors.index.json');
    await expect(reading).rejects.toMatchObject({ code: 'IO', file: 'unet/2.safetensors' });
  });
});
