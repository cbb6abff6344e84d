import { type FileHandle, statfs } from 'node:fs/promises';
import { SecateurError } from '@secateur/graph';
import type { ByteSink } from '../files.js';
import { ioError, systemCode } from './io-error.js';

/** Bytes handed to one call of the system. */
const WRITE_BYTES = 2 ** 26;

/**
 * Appends to a file just opened; `close` brings the bytes to the disk and may be called twice.
 *
 * @param name  for messages
 * @param folder  where the file lies, to say how much is free there
 * @throws {SecateurError} IO on a full disk, with the bytes that did not fit
 */
export function fileSink(handle: FileHandle, name: string, folder: string): ByteSink {
  let written = 0;
  let closed = false;
  return {
    async write(bytes) {
      let offset = 0;
      try {
        while (offset < bytes.byteLength) {
          const length = Math.min(WRITE_BYTES, bytes.byteLength - offset);
          offset += (await handle.write(bytes, offset, length)).bytesWritten;
        }
      } catch (error) {
        throw await writeError(error, name, folder, written + offset, bytes.byteLength - offset);
      }
      written += bytes.byteLength;
    },
    async close() {
      if (closed) return;
      closed = true;
      try {
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
