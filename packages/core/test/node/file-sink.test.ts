import { existsSync } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
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

  it.each(['write', 'close'] as const)('tells at the next %s that bytes did not reach the disk', async (next) => {
    const done: string[] = [];
    const handle = {
      write: async (_: Uint8Array, __: number, length: number) => ({ bytesWritten: length }),
      datasync: async () => {
        done.push('datasync');
        throw Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
      },
      // The system tells of it once: now it says that all is well.
      sync: async () => void done.push('sync'),
      close: async () => void done.push('close'),
    } as unknown as FileHandle;
    const sink = fileSink(handle, 'OUT/model.safetensors', here());
    // Set to work after 256 MiB. Nobody reads these bytes.
    await sink.write(new Uint8Array(2 ** 28));
    const failing = next === 'write' ? sink.write(new Uint8Array(1)) : sink.close();
    await expect(failing).rejects.toMatchObject({ code: 'IO', file: 'OUT/model.safetensors' });
    await sink.close().catch(() => {});
    expect(done).toEqual(['datasync', 'close']);
  });
});
