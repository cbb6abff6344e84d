import type { ByteSource } from '@secateur/core';
import type { Allocate, Constant, DType, ParameterIdentity, Tensor } from '@secateur/graph';

/** A tensor in a file, not yet read. */
export interface SafetensorsEntry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Where its bytes begin, from the beginning of the file. */
  readonly offset: number;
  readonly byteLength: number;
  /** The file it is in; differs between tensors of a sharded checkpoint. */
  readonly source: ByteSource;
  /**
   * Reads the values, anew at every call.
   * @param allocate  memory that they may be read into: see `Constant.read`, which is of the same form
   * @throws {SecateurError} BAD_FILE, IO
   */
  read(as?: 'stored', allocate?: Allocate): Promise<Tensor>;
  /**
   * As a constant of a graph. Its `location` is set when the file is on disk.
   * @param parameter  which checkpoint tensor it is. Default: itself, with its own name and axes
   */
  constant(parameter?: ParameterIdentity): Constant;
}

/** The tensors of one file, or of all shards of one checkpoint. */
export interface Checkpoint {
  /** For messages: the file's name, or the index's. */
  readonly name: string;
  /** The text pairs of `__metadata__`, e.g. `{ format: 'pt' }`; of shards: all of theirs, the first one's on a clash. */
  readonly metadata: Readonly<Record<string, string>>;
  /** By name, in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>;
  /** The files read. */
  readonly sources: readonly ByteSource[];
  close(): Promise<void>;
}

/** One file. */
export interface SafetensorsFile extends Checkpoint {
  /** Length of everything before the first tensor: 8 + the JSON. */
  readonly headerBytes: number;
}
