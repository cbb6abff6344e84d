import { type FileHandle, statfs } from 'node:fs/promises';
import { SecateurError } from '@secateur/graph';
import type { ByteSink } from '../files.js';
import { ioError, systemCode } from './io-error.js';

/** Bytes handed to one call of the system. For large pieces Linux looks for memory in one piece: up to 4 times as slow. */
const WRITE_BYTES = 2 ** 19;

/**
 * After so many bytes the disk is set to work on them, while more are made. Left to `close`, all of a large file would be
 * brought to the disk when there is nothing else to do: twice the time for a file of 5 GB.
 */
const FLUSH_BYTES = 2 ** 28;

/**
 * Appends to a file just opened; `close` brings the bytes to the disk and may be called twice.
 *
 * @param name  for messages
 * @param folder  where the file lies, to say how much is free there
 * @throws {SecateurError} IO on a full disk, with the bytes that did not fit
 */
export function fileSink(handle: FileHandle, name: string, folder: string): ByteSink {
  let written = 0;
  let flushed = 0;
  let flushing: Promise<void> | undefined;
  let closed = false;
  // The system tells of a failed flush once: it must not be lost.
  let failure: { readonly cause: unknown } | undefined;
  const flush = (): void => {
    flushed = written;
    flushing = handle
      .datasync()
      .catch((cause: unknown) => {
        failure = { cause };
      })
      .finally(() => {
        flushing = undefined;
      });
  };
  return {
    async write(bytes) {
      let offset = 0;
      try {
        if (failure) throw failure.cause;
        while (offset < bytes.byteLength) {
          const length = Math.min(WRITE_BYTES, bytes.byteLength - offset);
          offset += (await handle.write(bytes, offset, length)).bytesWritten;
        }
      } catch (error) {
        throw await writeError(error, name, folder, written + offset, bytes.byteLength - offset);
      }
      written += bytes.byteLength;
      if (written - flushed >= FLUSH_BYTES && !flushing) flush();
    },
    async close() {
      if (closed) return;
      closed = true;
      try {
        await flushing;
        if (failure) throw failure.cause;
        await handle.sync();
      } catch (error) {
        throw await writeError(error, name, folder, written, 0);
      } finally {
        await handle.close();
      }
    },
  };
}

async function writeError(
  error: unknown,
  name: string,
  folder: string,
  written: number,
  needed: number,
): Promise<SecateurError> {
  const code = systemCode(error);
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return ioError(error, name);
  const free = await statfs(folder).then(
    ({ bavail, bsize }) => `; ${bavail * bsize} bytes are free`,
    () => '',
  );
  return new SecateurError(
    'IO',
    `The disk is full: ${name} has ${written} bytes and needs at least ${needed} more${free}.`,
    { file: name, hint: 'Free some space or write to another disk. Nothing was left behind.', cause: error },
  );
}
