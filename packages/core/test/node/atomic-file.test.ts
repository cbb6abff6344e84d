import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { atomicFile } from '../../src/node.js';
import { temporaryFolder } from './temporary-folder.js';

const here = temporaryFolder();

describe('atomicFile', () => {
  it('is there on commit only', async () => {
    const file = await atomicFile(here('a/grid.png'));
    await file.write(Buffer.from('png'));
    expect(await readdir(here('a'))).toEqual([expect.stringMatching(/^\.grid\.png\.secateur-/)]);
    await file.commit();
    await file.discard();
    expect(await readdir(here('a'))).toEqual(['grid.png']);
    expect(await readFile(here('a/grid.png'), 'utf8')).toBe('png');
    await expect(file.commit()).rejects.toMatchObject({ code: 'IO' });
  });

  it('is gone after discard', async () => {
    const file = await atomicFile(here('x'));
    await file.write(Buffer.from('x'));
    await file.discard();
    expect(await readdir(here())).toEqual([]);
  });

  it('refuses an existing file, at once and at commit', async () => {
    const file = await atomicFile(here('x'));
    await file.write(Buffer.from('new'));
    await writeFile(here('x'), 'theirs');
    await expect(atomicFile(here('x'))).rejects.toMatchObject({ code: 'EXISTS', file: here('x') });
    await expect(file.commit()).rejects.toMatchObject({ code: 'EXISTS' });
    await file.discard();
    expect(await readdir(here())).toEqual(['x']);
    expect(await readFile(here('x'), 'utf8')).toBe('theirs');
  });

  it('replaces a file when asked, a folder never', async () => {
    await writeFile(here('x'), 'old');
    const file = await atomicFile(here('x'), { replace: true });
    await file.write(Buffer.from('new'));
    await file.commit();
    expect(await readFile(here('x'), 'utf8')).toBe('new');
    await mkdir(here('folder'));
    await expect(atomicFile(here('folder'), { replace: true })).rejects.toMatchObject({ code: 'EXISTS' });
  });
});
