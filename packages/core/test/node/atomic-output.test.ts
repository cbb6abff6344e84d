import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import type { OutputFolder } from '@secateur/core';
import { describe, expect, it } from 'vitest';
import { atomicOutput } from '../../src/node.js';
import { temporaryFolder } from './temporary-folder.js';

const here = temporaryFolder();

async function put(out: OutputFolder, path: string, text: string): Promise<void> {
  const sink = await out.create(path);
  await sink.write(Buffer.from(text));
  await sink.close();
}

describe('atomicOutput', () => {
  it('shows everything at once, on commit', async () => {
    const out = await atomicOutput(here('a/b/OUT'));
    await put(out, 'config.json', '{}');
    await put(out, 'unet/x', 'weights');
    const unclosed = await out.create('y');
    await unclosed.write(Buffer.from('y'));
    expect(await readdir(here('a/b'))).toEqual([expect.stringMatching(/^\.OUT\.secateur-.*\.tmp$/)]);
    await out.commit();
    expect(await readdir(here('a/b'))).toEqual(['OUT']);
    expect((await readdir(here('a/b/OUT'))).sort()).toEqual(['config.json', 'unet', 'y']);
    expect(await readFile(here('a/b/OUT/unet/x'), 'utf8')).toBe('weights');
    await out.discard();
    expect(await readFile(here('a/b/OUT/y'), 'utf8')).toBe('y');
    await expect(out.create('z')).rejects.toMatchObject({ code: 'IO' });
    await expect(out.commit()).rejects.toMatchObject({ code: 'IO' });
  });

  it('leaves no trace after discard, not even the folders above', async () => {
    await mkdir(here('a'));
    const out = await atomicOutput(here('a/b/c/OUT'));
    await (await out.create('x')).write(Buffer.from('x'));
    await out.discard();
    await out.discard();
    expect(await readdir(here('a'))).toEqual([]);
  });

  it('leaves alone what others put into those folders', async () => {
    const out = await atomicOutput(here('a/b/OUT'));
    await writeFile(here('a/other'), '');
    await out.discard();
    expect(await readdir(here('a'))).toEqual(['other']);
  });

  it('takes an empty folder, also by a link', async () => {
    await mkdir(here('OUT'));
    await symlink('OUT', here('link'));
    const out = await atomicOutput(here('link'));
    await put(out, 'x', '1');
    await out.commit();
    expect(await readFile(here('OUT/x'), 'utf8')).toBe('1');
    expect((await readdir(here())).sort()).toEqual(['OUT', 'link']);
  });

  it('refuses at once a folder with files, a file, and the current folder', async () => {
    await mkdir(here('full'));
    await writeFile(here('full/x'), 'old');
    await writeFile(here('file'), 'old');
    for (const path of [here('full'), here('file'), '.']) {
      await expect(atomicOutput(path)).rejects.toMatchObject({ code: 'EXISTS', file: path, hint: expect.any(String) });
    }
    await expect(atomicOutput('.', { replace: true })).rejects.toMatchObject({ code: 'EXISTS' });
    await expect(atomicOutput(here('file'), { replace: true })).rejects.toMatchObject({ code: 'EXISTS' });
    await expect(atomicOutput(here('file/OUT'))).rejects.toMatchObject({ code: 'IO' });
    expect((await readdir(here())).sort()).toEqual(['file', 'full']);
  });

  it('refuses again at commit when something came meanwhile; discard then cleans up', async () => {
    const out = await atomicOutput(here('OUT'));
    await put(out, 'x', 'new');
    await mkdir(here('OUT'));
    await writeFile(here('OUT/x'), 'theirs');
    await expect(out.commit()).rejects.toMatchObject({ code: 'EXISTS' });
    await out.discard();
    expect(await readdir(here())).toEqual(['OUT']);
    expect(await readFile(here('OUT/x'), 'utf8')).toBe('theirs');
  });

  it('replaces when asked, and only at commit', async () => {
    await mkdir(here('OUT'));
    await writeFile(here('OUT/old'), 'old');
    const out = await atomicOutput(here('OUT'), { replace: true });
    await put(out, 'new', 'new');
    expect(await readdir(here('OUT'))).toEqual(['old']);
    await out.commit();
    expect(await readdir(here('OUT'))).toEqual(['new']);
    expect(await readdir(here())).toEqual(['OUT']);
  });

  it('keeps files inside, and takes a name once', async () => {
    const out = await atomicOutput(here('OUT'));
    await expect(out.create('../x')).rejects.toMatchObject({ code: 'BAD_FILE' });
    await put(out, 'x', '1');
    await expect(out.create('./x')).rejects.toMatchObject({ code: 'EXISTS' });
    await out.discard();
    expect(await readdir(here())).toEqual([]);
  });
});
