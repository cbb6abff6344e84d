import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runFolder, runFolderOf } from '../src/prune/run-folder.js';
import { existsSync, join, scratch, snapshot } from './run-cli.js';

describe('runFolder', () => {
  it('lies hidden beside the output', () => {
    expect(runFolderOf('/a/b/out')).toBe('/a/b/.out.secateur-run');
    expect(runFolderOf('out/')).toBe('.out.secateur-run');
  });

  it('keeps the last bytes of a key, makes its folder when needed and removes it when cleared', async () => {
    const folder = join(scratch(), 'run');
    const store = runFolder(folder);
    expect(await store.load('state')).toBeUndefined();
    expect(existsSync(folder)).toBe(false);
    await store.save('state', Uint8Array.of(1, 2));
    await store.save('state', Uint8Array.of(3));
    expect([...(await store.load('state'))!]).toEqual([3]);
    expect(snapshot(folder)).toHaveLength(1);
    await store.clear();
    expect(existsSync(folder)).toBe(false);
  });

  it('refuses keys that are paths, and says where it cannot write', async () => {
    const file = join(scratch(), 'file');
    writeFileSync(file, '');
    await expect(runFolder(file).save('../state', new Uint8Array(1))).rejects.toMatchObject({ code: 'IO' });
    await expect(runFolder(join(file, 'run')).save('state', new Uint8Array(1))).rejects.toMatchObject({
      code: 'IO',
      file: join(file, 'run'),
    });
  });
});
