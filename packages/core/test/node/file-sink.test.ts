import { existsSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { fileSink } from '../../src/node/file-sink.js';
import { temporaryFolder } from './temporary-folder.js';

const here = temporaryFolder();

describe('fileSink', () => {
  it('appends, and may be closed twice', async () => {
    const sink = fileSink(await open(here('x'), 'wx'), 'x', here());
    await sink.write(Buffer.from('ab'));
    await sink.write(new Uint8Array(0));
    await sink.write(Buffer.from('xcx').subarray(1, 2));
    await sink.close();
    await sink.close();
    expect(await readFile(here('x'), 'utf8')).toBe('abc');
  });

  it.skipIf(!existsSync('/dev/full'))('says how many bytes did not fit on a full disk', async () => {
    const handle = await open('/dev/full', 'w');
    const sink = fileSink(handle, 'OUT/model.safetensors', here());
    await expect(sink.write(new Uint8Array(1234))).rejects.toMatchObject({
      code: 'IO',
      file: 'OUT/model.safetensors',
      message: expect.stringMatching(/disk is full.* needs at least 1234 more; \d+ bytes are free/),
    });
    await handle.close();
  });
});
