import { type ByteSink, type ByteSource, bytesSource } from '@secateur/core';

/** A file being written: in place, whole, after `commit`, and nowhere after `discard`. */
export interface CheckpointFile extends ByteSink {
  commit(): Promise<void>;
  discard(): Promise<void>;
}

/** Where checkpoints are kept: a few files, each replaced whole or not at all. Node's is in `@secateur/train/node`. */
export interface CheckpointStore {
  /** For messages. */
  readonly name: string;
  open(file: string): Promise<ByteSource | undefined>;
  /** Opens a file to be put in the place of one of that name. @throws {SecateurError} IO */
  create(file: string): Promise<CheckpointFile>;
  remove(file: string): Promise<void>;
  /** Forgets everything: the run is over. */
  clear(): Promise<void>;
}

/** A store that lasts as long as the process. */
export function memoryCheckpoints(
  name: string = 'memory',
): CheckpointStore & { readonly files: Map<string, Uint8Array> } {
  const files = new Map<string, Uint8Array>();
  return {
    name,
    files,
    open: async (file) => {
      const bytes = files.get(file);
      return bytes && bytesSource(file, bytes);
    },
    async create(file) {
      const pieces: Uint8Array[] = [];
      return {
        // A copy: the writer may reuse its buffer.
        write: async (bytes) => void pieces.push(bytes.slice()),
        close: async () => {},
        discard: async () => {},
        commit: async () => void files.set(file, joined(pieces)),
      };
    },
    remove: async (file) => void files.delete(file),
    clear: async () => files.clear(),
  };
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    all.set(piece, offset);
    offset += piece.length;
  }
  return all;
}
