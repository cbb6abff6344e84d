import { execFileSync } from 'node:child_process';
import { open, symlink, truncate, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { nodeFile, sha256File } from '../../src/node.js';
import { temporaryFolder } from './temporary-folder.js';

const here = temporaryFolder();

describe('nodeFile', () => {
  it('reads by position', async () => {
    await writeFile(here('x'), 'hello world');
    await symlink('x', here('link'));
    const source = await nodeFile(here('link'), 'shown');
    expect([source.name, source.path, source.size]).toEqual(['shown', here('x'), 11]);
    const [world, hello] = await Promise.all([source.read(6, 5), source.read(0, 5)]);
    expect([Buffer.from(world).toString(), Buffer.from(hello).toString()]).toEqual(['world', 'hello']);
    await expect(source.read(6, 6)).rejects.toMatchObject({ code: 'BAD_FILE', file: 'shown' });
    await source.close!();
    await source.close!();
    await expect(source.read(0, 1)).rejects.toMatchObject({ code: 'IO', message: expect.stringContaining('closed') });
  });

  it('reads beyond 4 GiB (a sparse file)', async () => {
    const offset = 2 ** 32 + 5;
    const handle = await open(here('big'), 'w');
    await handle.write(Uint8Array.of(1, 2, 3), 0, 3, offset);
    await handle.close();
    const source = await nodeFile(here('big'));
    expect(source.size).toBe(offset + 3);
    expect(await source.read(offset - 1, 4)).toEqual(Uint8Array.of(0, 1, 2, 3));
    await source.close!();
  });

  it('reads into memory that it is given', async () => {
    await writeFile(here('x'), 'hello');
    const source = await nodeFile(here('x'));
    const memory = new Uint8Array(8);
    const bytes = await source.read(1, 3, (length) => memory.subarray(0, length));
    expect(bytes.buffer).toBe(memory.buffer);
    expect(new TextDecoder().decode(bytes)).toBe('ell');
    await source.close!();
  });

  it('says so when the file shrinks while open', async () => {
    await writeFile(here('x'), 'hello');
    const source = await nodeFile(here('x'));
    await truncate(here('x'), 2);
    await expect(source.read(0, 5)).rejects.toMatchObject({
      code: 'BAD_FILE',
      message: expect.stringContaining('shorter'),
    });
    await source.close!();
  });

  it('refuses what is missing or no regular file', async () => {
    await expect(nodeFile(here('x'))).rejects.toMatchObject({ code: 'IO', file: here('x') });
    await expect(nodeFile(here())).rejects.toMatchObject({
      code: 'BAD_FILE',
      message: expect.stringContaining('folder'),
    });
  });

  it.skipIf(process.platform === 'win32')('refuses a pipe instead of waiting for a writer', async () => {
    execFileSync('mkfifo', [here('pipe')]);
    await expect(nodeFile(here('pipe'))).rejects.toMatchObject({ code: 'BAD_FILE' });
  });
});

describe('sha256File', () => {
  it('hashes the bytes, and stops when aborted', async () => {
    await writeFile(here('x'), 'abc');
    expect(await sha256File(here('x'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    await expect(sha256File(here('x'), { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
