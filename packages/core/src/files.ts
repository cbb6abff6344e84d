/**
 * Files as the formats see them: random-access reading, atomic writing. Node's are made by `@secateur/core/node`; in a
 * browser they come from `Blob`s, `ArrayBuffer`s and URLs.
 */

import type { Allocate } from '@secateur/graph';

/** Something that can be read piece by piece: a file, a Blob, an ArrayBuffer, a URL. */
export interface ByteSource {
  /** For messages; a file's path as the user gave it. */
  readonly name: string;
  readonly size: number;
  /** Absolute path on disk, when there is one: engines and writers can then refer to the file instead of copying it. */
  readonly path?: string;
  /**
   * Bytes `[offset, offset + length)`.
   * @param allocate  memory that they may be read into: see `Constant.read`
   * @throws {SecateurError} BAD_FILE past the end, IO when reading fails
   */
  read(offset: number, length: number, allocate?: Allocate): Promise<Uint8Array>;
  /** SHA-256 of the whole, in hexadecimal, where the platform does it faster than by `read`; see `sha256Source`. */
  sha256?(options?: { signal?: AbortSignal }): Promise<string>;
  close?(): Promise<void>;
}

/** A folder of a model. Paths are relative, with `/`; leaving the folder (also through a symlink) is BAD_FILE. */
export interface SourceFolder {
  readonly name: string;
  readonly path?: string;
  /** Relative paths of all files, sorted. */
  list(): Promise<readonly string[]>;
  has(path: string): Promise<boolean>;
  /** @throws {SecateurError} IO when the file is missing, BAD_FILE when the path leaves the folder */
  open(path: string): Promise<ByteSource>;
}

export interface ByteSink {
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/**
 * Where results go. Nothing is visible at the destination before `commit`, which puts all of it in place at once;
 * `discard` leaves no trace.
 */
export interface OutputFolder {
  readonly name: string;
  /** Opens a new file for writing; folders on the way are made. */
  create(path: string): Promise<ByteSink>;
  /** @throws {SecateurError} EXISTS when the destination is there and replacing it was not asked for; IO on a full disk */
  commit(): Promise<void>;
  discard(): Promise<void>;
}
