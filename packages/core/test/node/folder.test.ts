import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { nodeFolder } from '../../src/node.js';
import { temporaryFolder } from './temporary-folder.js';

const here = temporaryFolder();

beforeEach(async () => {
  await mkdir(here('model/unet'), { recursive: true });
  await mkdir(here('model-2'));
  await writeFile(here('model/config.json'), '{}');
  await writeFile(here('model/unet/x'), 'weights');
  await writeFile(here('model-2/secret'), 'secret');
});

describe('nodeFolder', () => {
  it('lists and opens files, with `/` on every platform', async () => {
    const folder = await nodeFolder(here('model'));
    expect([folder.name, folder.path]).toEqual([here('model'), here('model')]);
    expect(await folder.list()).toEqual(['config.json', 'unet/x']);
    expect([
      await folder.has('unet/x'),
      await folder.has('unet'),
      await folder.has('y'),
      await folder.has('unet/x/y'),
    ]).toEqual([true, false, false, false]);
    const source = await folder.open('unet/x');
    expect([source.name, source.path, source.size]).toEqual([here('model/unet/x'), here('model/unet/x'), 7]);
    await source.close!();
    await expect(folder.open('y')).rejects.toMatchObject({ code: 'IO' });
  });

  it('follows links that stay inside', async () => {
    await symlink('../config.json', here('model/unet/config.json'));
    await symlink('unet', here('model/denoiser'));
    await symlink('nowhere', here('model/broken'));
    const folder = await nodeFolder(here('model'));
    expect(await folder.list()).toEqual(['config.json', 'unet/config.json', 'unet/x']);
    const source = await folder.open('denoiser/x');
    expect(source.path).toBe(here('model/unet/x'));
    await source.close!();
    expect(await folder.has('broken')).toBe(false);
  });

  it('may itself be named by a link', async () => {
    await symlink('model', here('alias'));
    const folder = await nodeFolder(here('alias'));
    expect(folder.path).toBe(here('model'));
    expect(await folder.has('unet/x')).toBe(true);
  });

  it.each([
    ['a relative link', '../model-2/secret', 'link'],
    ['an absolute link', '/etc/hosts', 'link'],
    ['a link of a folder', '../model-2', 'link/secret'],
  ])('refuses %s that leaves, naming it', async (_what, target, path) => {
    await symlink(target, here('model/link'));
    const folder = await nodeFolder(here('model'));
    const refusal = { code: 'BAD_FILE', file: here(`model/${path}`), hint: expect.stringContaining('cp -rL') };
    await expect(folder.open(path)).rejects.toMatchObject(refusal);
    await expect(folder.has(path)).rejects.toMatchObject(refusal);
    expect((await folder.list()).filter((file) => file !== 'link')).toEqual(['config.json', 'unet/x']);
  });

  it.each(['../model-2/secret', '/etc/hosts', 'unet/../../model-2/secret'])('refuses the path %s', async (path) => {
    const folder = await nodeFolder(here('model'));
    await expect(folder.open(path)).rejects.toMatchObject({ code: 'BAD_FILE' });
  });

  it('refuses a missing folder, a file, and a link in a circle', async () => {
    await symlink('circle', here('model/circle'));
    await expect(nodeFolder(here('none'))).rejects.toMatchObject({ code: 'IO' });
    await expect(nodeFolder(here('model/config.json'))).rejects.toMatchObject({ code: 'BAD_FILE' });
    const folder = await nodeFolder(here('model'));
    await expect(folder.open('circle')).rejects.toMatchObject({ code: 'IO', hint: expect.stringContaining('link') });
  });
});
