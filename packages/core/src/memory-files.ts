import { SecateurError } from '@secateur/graph';
import { checkByteRange } from './byte-range.js';
import type { ByteSink, ByteSource, OutputFolder, SourceFolder } from './files.js';
import { safePath } from './safe-path.js';

/** A source over bytes in memory. `read` gives views of them, not copies: do not write into what it returns. */
export function bytesSource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    size: bytes.byteLength,
    async read(offset, length) {
      checkByteRange(name, bytes.byteLength, offset, length);
      return bytes.subarray(offset, offset + length);
    },
  };
}

/** A source over a Blob, or over a File that a user picked; nothing but the ranges asked for is read. */
export function blobSource(blob: Blob, name?: string): ByteSource {
  const label = name ?? ('name' in blob && typeof blob.name === 'string' ? blob.name : 'blob');
  return {
    name: label,
    size: blob.size,
    async read(offset, length) {
      checkByteRange(label, blob.size, offset, length);
      try {
        return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
      } catch (cause) {
        throw new SecateurError('IO', `${label} cannot be read.`, {
          file: label,
          hint: 'The file may have changed since it was picked; pick it again.',
          cause,
        });
      }
    },
  };
}

/**
 * A folder whose files are given by relative path.
 * @throws {SecateurError} BAD_FILE when a path could leave the folder
 */
export function memoryFolder(
  files: Readonly<Record<string, Uint8Array | ByteSource>>,
  name: string = 'memory',
): SourceFolder {
  const sources = new Map<string, ByteSource>();
  for (const [path, file] of Object.entries(files)) {
    sources.set(safePath(path, name), file instanceof Uint8Array ? bytesSource(path, file) : file);
  }
  return {
    name,
    list: async () => [...sources.keys()].sort(),
    has: async (path) => sources.has(safePath(path, name)),
    async open(path) {
      const source = sources.get(safePath(path, name));
      if (source) return source;
      throw new SecateurError('IO', `${path} is not in ${name}.`, {
        file: path,
        hint: `It holds ${[...sources.keys()].sort().slice(0, 10).join(', ') || 'no files'}.`,
      });
    },
  };
}

/** An output folder in memory, for browsers and tests. `files` stays empty until `commit`. */
export function memoryOutput(name: string = 'memory'): OutputFolder & { readonly files: Map<string, Uint8Array> } {
  const files = new Map<string, Uint8Array>();
  const pending = new Map<string, Uint8Array[]>();
  let done = false;
  const refuseWhenDone = (): void => {
    if (done) throw new SecateurError('IO', `${name} was committed or discarded already.`, { file: name });
  };
  return {
    name,
    files,
    async create(path): Promise<ByteSink> {
      refuseWhenDone();
      const key = safePath(path, name);
      if (pending.has(key)) throw new SecateurError('EXISTS', `${key} is written twice.`, { file: key });
      const pieces: Uint8Array[] = [];
      pending.set(key, pieces);
      return {
        async write(bytes) {
          refuseWhenDone();
          // A copy: the writer may reuse its buffer.
          pieces.push(bytes.slice());
        },
        async close() {},
      };
    },
    async commit() {
      refuseWhenDone();
      done = true;
      for (const [path, pieces] of pending) files.set(path, concatenate(pieces));
      pending.clear();
    },
    async discard() {
      done = true;
      pending.clear();
    },
  };
}

function concatenate(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces;
  if (pieces.length === 1 && only) return only;
  const all = new Uint8Array(pieces.reduce((length, piece) => length + piece.byteLength, 0));
  let offset = 0;
  for (const piece of pieces) {
    all.set(piece, offset);
    offset += piece.byteLength;
  }
  return all;
}
