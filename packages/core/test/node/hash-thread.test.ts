import { createHash } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { truncate, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { sha256InThread } from '../../src/node/hash-thread.js';
import { nodeFile } from '../../src/node.js';
import { temporaryFolder } from './temporary-folder.js';

const here = temporaryFolder();

it('hashes bytes, says when there are fewer or none to be read, and stops when aborted', async () => {
  await writeFile(here('x'), 'abc');
  const descriptor = openSync(here('x'), 'r');
  const digest = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  expect(await sha256InThread(descriptor, 3, 'x')).toBe(digest);
  await expect(sha256InThread(descriptor, 4, 'x')).rejects.toMatchObject({ code: 'BAD_FILE', file: 'x' });
  const soon = new AbortController();
  const aborted = sha256InThread(descriptor, 3, 'x', soon.signal);
  soon.abort();
  await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' });
  await expect(sha256InThread(descriptor, 3, 'x', AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' });
  closeSync(descriptor);
  await expect(sha256InThread(2 ** 20, 3, 'x')).rejects.toMatchObject({ code: 'IO', file: 'x' });
});

it('hashes large files that way, which stay open until it is done', async () => {
  const size = 64 * 2 ** 20 + 5;
  await writeFile(here('large'), 'abc');
  await truncate(here('large'), size);
  const source = await nodeFile(here('large'));
  const hash = source.sha256!();
  await source.close!();
  const expected = createHash('sha256')
    .update('abc')
    .update(new Uint8Array(size - 3))
    .digest('hex');
  expect(await hash).toBe(expected);
  await expect(source.sha256!()).rejects.toMatchObject({ code: 'IO' });
});
