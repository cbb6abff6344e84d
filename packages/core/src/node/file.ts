import { createHash } from 'node:crypto';
import { close, fstat, open, read } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { type Allocate, SecateurError, throwIfAborted } from '@secateur/graph';
import { checkByteRange } from '../byte-range.js';
import type { ByteSource } from '../files.js';
import { readAhead } from '../read-ahead.js';
import { sha256InThread } from './hash-thread.js';
import { ioError } from './io-error.js';

const openFile = promisify(open);
const statFile = promisify(fstat);
const closeFile = promisify(close);
const readPiece = promisify(read);

/** One call to the system reads at most 2 GiB - 1 everywhere. */
const READ_BYTES = 2 ** 30;
const HASH_BYTES = 8 * 2 ** 20;
/** From here on a thread for hashing is worth starting. */
const THREAD_BYTES = 64 * 2 ** 20;

// Plain descriptors, since a FileHandle that is collected unclosed prints a warning, and models are rarely closed.
const unclosed = new FinalizationRegistry<number>((descriptor) => close(descriptor, () => {}));

/** What is hashed in threads: a source that is here is not collected, and its descriptor stays open. */
const hashing = new Map<Promise<string>, ByteSource>();

/**
 * A file on disk, read by position; of any size.
 *
 * @param name  for messages. Default: `path` as given
 * @throws {SecateurError} IO when it is missing or unreadable, BAD_FILE when it is a folder or a device
 */
export async function nodeFile(path: string, name: string = path): Promise<ByteSource> {
  const { descriptor, size } = await openRegularFile(path, name);
  let closed = false;
  const readInto = async (buffer: Uint8Array, offset: number): Promise<void> => {
    if (closed) throw new SecateurError('IO', `${name} was closed already.`, { file: name });
    await readFully(descriptor, buffer, offset, name);
  };
  const hashOutside = async (signal: AbortSignal | undefined): Promise<string> => {
    if (closed) throw new SecateurError('IO', `${name} was closed already.`, { file: name });
    const hash = sha256InThread(descriptor, size, name, signal);
    hashing.set(hash, source);
    try {
      return await hash;
    } finally {
      hashing.delete(hash);
    }
  };
  const source: ByteSource = {
    name,
    size,
    path: await realpath(resolve(path)),
    async read(offset, length, allocate) {
      checkByteRange(name, size, offset, length);
      const buffer = allocateBytes(length, name, allocate);
      await readInto(buffer, offset);
      return buffer;
    },
    async sha256(options) {
      if (size >= THREAD_BYTES) return hashOutside(options?.signal);
      const hash = createHash('sha256');
      const buffers = [new Uint8Array(Math.min(HASH_BYTES, size)), new Uint8Array(Math.min(HASH_BYTES, size))];
      const offsets = Array.from({ length: Math.ceil(size / HASH_BYTES) }, (_, i) => i * HASH_BYTES);
      // One piece is read while the other is hashed.
      const pieces = readAhead(offsets, async (offset) => {
        const piece = buffers[(offset / HASH_BYTES) % 2].subarray(0, Math.min(HASH_BYTES, size - offset));
        await readInto(piece, offset);
        return piece;
      });
      for await (const [, piece] of pieces) {
        throwIfAborted(options?.signal);
        hash.update(piece);
      }
      return hash.digest('hex');
    },
    async close() {
      if (closed) return;
      closed = true;
      unclosed.unregister(source);
      const running = [...hashing].filter(([, of]) => of === source);
      await Promise.allSettled(running.map(([hash]) => hash));
      await closeFile(descriptor);
    },
  };
  unclosed.register(source, descriptor, source);
  return source;
}

/** SHA-256 of a file, as 64 hexadecimal digits. @throws {SecateurError} IO, BAD_FILE, ABORTED */
export async function sha256File(path: string, options: { signal?: AbortSignal } = {}): Promise<string> {
  const source = await nodeFile(path);
  try {
    return await source.sha256!(options);
  } finally {
    await source.close!();
  }
}

async function openRegularFile(path: string, name: string): Promise<{ descriptor: number; size: number }> {
  try {
    // Before opening: opening a pipe waits for a writer.
    const found = await stat(path);
    if (!found.isFile()) {
      throw new SecateurError('BAD_FILE', `${name} is ${found.isDirectory() ? 'a folder' : 'a device or a pipe'}.`, {
        file: name,
        hint: 'Name a regular file.',
      });
    }
    const descriptor = await openFile(path, 'r');
    return { descriptor, size: (await statFile(descriptor)).size };
  } catch (error) {
    throw ioError(error, name);
  }
}

function allocateBytes(length: number, name: string, allocate?: Allocate): Uint8Array {
  try {
    return allocate ? allocate(length) : new Uint8Array(length);
  } catch (cause) {
    throw new SecateurError('IO', `${length} bytes of ${name} do not fit in memory at once.`, { file: name, cause });
  }
}

async function readFully(descriptor: number, buffer: Uint8Array, offset: number, name: string): Promise<void> {
  let filled = 0;
  while (filled < buffer.byteLength) {
    const length = Math.min(READ_BYTES, buffer.byteLength - filled);
    const { bytesRead } = await readPiece(descriptor, buffer, filled, length, offset + filled).catch(
      (error: unknown) => {
        throw ioError(error, name);
      },
    );
    if (bytesRead === 0) {
      throw new SecateurError('BAD_FILE', `${name} became shorter while it was being read.`, { file: name });
    }
    filled += bytesRead;
  }
}
