import { randomUUID } from 'node:crypto';
import { link, mkdir, open, rename, rm, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { SecateurError } from '@secateur/graph';
import type { ByteSink } from '../files.js';
import { type AtomicOptions, syncFolder } from './atomic-output.js';
import { fileSink } from './file-sink.js';
import { ioError, systemCode } from './io-error.js';

/** A file being written. It is at its destination, complete, after `commit`, and nowhere after `discard`. */
export interface OutputFile extends ByteSink {
  /** @throws {SecateurError} EXISTS when the destination is there and replacing it was not asked for; IO */
  commit(): Promise<void>;
  discard(): Promise<void>;
}

/**
 * One file, written under a hidden name beside `path` and put there by `commit`. The folder is made if need be.
 * @throws {SecateurError} EXISTS when the destination is there (checked here and again at `commit`), IO
 */
export async function atomicFile(path: string, options: AtomicOptions = {}): Promise<OutputFile> {
  const destination = resolve(path);
  const { replace = false } = options;
  const found = await stat(destination).catch(() => undefined);
  if (found?.isDirectory() || (found && !replace)) throw exists(path, found.isDirectory());
  const temporary = join(dirname(destination), `.${basename(destination)}.secateur-${randomUUID().slice(0, 8)}.tmp`);
  const sink = await create(temporary, path);
  let done = false;
  return {
    write: (bytes) => sink.write(bytes),
    close: () => sink.close(),
    async commit() {
      if (done) throw new SecateurError('IO', `${path} was committed or discarded already.`, { file: path });
      try {
        await sink.close();
        await (replace ? rename(temporary, destination) : moveToFreeName(temporary, destination));
        done = true;
        await syncFolder(dirname(destination));
      } catch (error) {
        if (systemCode(error) === 'EEXIST' || systemCode(error) === 'EISDIR') throw exists(path, false);
        throw ioError(error, path);
      }
    },
    async discard() {
      if (done) return;
      done = true;
      // The bytes are thrown away: that they cannot be written is no news.
      await sink.close().catch(() => {});
      await rm(temporary, { force: true });
    },
  };
}

async function create(temporary: string, name: string): Promise<ByteSink> {
  try {
    await mkdir(dirname(temporary), { recursive: true });
    return fileSink(await open(temporary, 'wx'), name, dirname(temporary));
  } catch (error) {
    throw ioError(error, name);
  }
}

/** Renaming would overwrite a file that came meanwhile; linking refuses. Fails with EEXIST when the name is taken. */
async function moveToFreeName(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (systemCode(error) === 'EEXIST' || (await stat(to).catch(() => undefined))) throw error;
    // A file system without hard links.
    return rename(from, to);
  }
  await unlink(from);
}

function exists(name: string, isFolder: boolean): SecateurError {
  return new SecateurError('EXISTS', `${name} ${isFolder ? 'is a folder' : 'exists already'}.`, {
    file: name,
    hint: isFolder ? 'Name a file.' : 'Name a new file, or ask for it to be replaced.',
  });
}
