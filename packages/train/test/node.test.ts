import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderCheckpoints } from '@secateur/train/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

describe('folderCheckpoints', () => {
  let base: string;
  beforeAll(async () => {
    base = await mkdtemp(join(tmpdir(), 'secateur-train-'));
  });
  afterAll(() => rm(base, { recursive: true }));

  async function put(folder: string, file: string, text: string): Promise<void> {
    const sink = await folderCheckpoints(folder).create(file);
    await sink.write(new TextEncoder().encode(text));
    await sink.commit();
  }

  it('makes the folder, replaces files whole, and leaves nothing of what is discarded', async () => {
    const folder = join(base, 'a', 'b');
    const store = folderCheckpoints(folder);
    expect(await store.open('checkpoint.json')).toBeUndefined();
    await put(folder, 'checkpoint.json', 'one');
    const abandoned = await store.create('checkpoint.json');
    await abandoned.write(new TextEncoder().encode('two'));
    await abandoned.discard();
    const source = (await store.open('checkpoint.json'))!;
    expect(new TextDecoder().decode(await source.read(0, source.size))).toBe('one');
    await source.close?.();
    expect(await readdir(folder)).toEqual(['checkpoint.json']);
  });

  it('clears its own files, and the folder when it is empty then', async () => {
    const folder = join(base, 'c');
    await put(folder, 'checkpoint.json', '{}');
    await put(folder, 'step-00000001.safetensors', '');
    await folderCheckpoints(folder).clear();
    expect(await readdir(base)).not.toContain('c');
    await put(folder, 'checkpoint.json', '{}');
    await writeFile(join(folder, 'mine.txt'), '');
    await folderCheckpoints(folder).clear();
    expect(await readdir(folder)).toEqual(['mine.txt']);
  });
});
