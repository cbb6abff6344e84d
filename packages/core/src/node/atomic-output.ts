import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, realpath, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { SecateurError } from '@secateur/graph';
import type { ByteSink, OutputFolder } from '../files.js';
import { safePath } from '../safe-path.js';
import { fileSink } from './file-sink.js';
import { ioError, systemCode } from './io-error.js';

export interface AtomicOptions {
  /** Replace what is at the destination, at `commit`. Default false. */
  replace?: boolean;
}

/**
 * A folder that appears at `path` complete or not at all: files are written into a hidden folder beside it and renamed
 * into place by `commit`. An empty folder at `path` counts as nothing.
 *
 * A process that is killed leaves the hidden folder `.NAME.secateur-….tmp` behind, and nothing at `path`.
 *
 * @throws {SecateurError} EXISTS when something is there (checked here and again at `commit`), IO
 */
export async function atomicOutput(path: string, options: AtomicOptions = {}): Promise<OutputFolder> {
  const destination = await realpath(resolve(path)).catch(() => resolve(path));
  const { replace = false } = options;
  await refuseUnfit(destination, path, replace);
  const { madeParent, temporary } = await makeTemporary(destination, path);
  const sinks = new Map<string, ByteSink>();
  let done = false;
  const refuseWhenDone = (): void => {
    if (done) throw new SecateurError('IO', `${path} was committed or discarded already.`, { file: path });
  };
  return {
    name: path,
    async create(file) {
      refuseWhenDone();
      const key = safePath(file, path);
      if (sinks.has(key)) throw new SecateurError('EXISTS', `${join(path, key)} is written twice.`, { file: key });
      const sink = await createFile(join(temporary, key), join(path, key));
      sinks.set(key, sink);
      return sink;
    },
    async commit() {
      refuseWhenDone();
      try {
        for (const sink of sinks.values()) await sink.close();
        await syncFolders(temporary);
        await refuseUnfit(destination, path, replace);
        await putInPlace(temporary, destination, replace);
        done = true;
        await syncFolder(dirname(destination));
      } catch (error) {
        throw occupied(error, path);
      }
    },
    async discard() {
      if (done) return;
      done = true;
      // The bytes are thrown away: that they cannot be written is no news.
      for (const sink of sinks.values()) await sink.close().catch(() => {});
      await rm(temporary, { recursive: true, force: true });
      if (madeParent) await removeEmpty(dirname(destination), dirname(madeParent));
    },
  };
}

async function makeTemporary(destination: string, name: string): Promise<{ madeParent?: string; temporary: string }> {
  const parent = dirname(destination);
  const temporary = join(parent, `.${basename(destination)}.secateur-${randomUUID().slice(0, 8)}.tmp`);
  try {
    const madeParent = await mkdir(parent, { recursive: true });
    await mkdir(temporary);
    return { madeParent, temporary };
  } catch (error) {
    throw ioError(error, name);
  }
}

async function createFile(path: string, name: string): Promise<ByteSink> {
  try {
    await mkdir(dirname(path), { recursive: true });
    return fileSink(await open(path, 'wx'), name, dirname(path));
  } catch (error) {
    throw ioError(error, name);
  }
}

/** @throws {SecateurError} EXISTS when the destination holds something, IO when it cannot be renamed over */
async function refuseUnfit(destination: string, name: string, replace: boolean): Promise<void> {
  const found = await stat(destination).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw ioError(error, name);
  });
  if (!found) return;
  if (!found.isDirectory()) throw exists(name, 'is a file', 'Name a new folder.');
  if ((await readdir(destination)).length > 0 && !replace) {
    throw exists(name, 'exists and is not empty', 'Name a new folder, or ask for it to be replaced.');
  }
  // Renaming over them would pull the folder from under the shell, or fail only when all work is done.
  const fromHere = relative(destination, process.cwd());
  if (fromHere === '' || !(fromHere === '..' || fromHere.startsWith(`..${sep}`))) {
    throw exists(name, 'is, or holds, the current folder', 'Name a new folder inside it.');
  }
  if (found.dev !== (await stat(dirname(destination))).dev) {
    throw new SecateurError('IO', `${name} is a mount point.`, { file: name, hint: 'Name a new folder inside it.' });
  }
}

function exists(name: string, reason: string, hint: string): SecateurError {
  return new SecateurError('EXISTS', `${name} ${reason}.`, { file: name, hint });
}

/** Something came to the destination between the check and the renaming: the system then refuses. */
function occupied(error: unknown, name: string): SecateurError {
  const code = systemCode(error);
  if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOTDIR') return ioError(error, name);
  return exists(name, 'came into being meanwhile', 'Name a new folder.');
}

async function putInPlace(temporary: string, destination: string, replace: boolean): Promise<void> {
  const entries = await readdir(destination).catch(() => undefined);
  if (!entries?.length || !replace) {
    // POSIX renames over an empty folder and refuses any other; Windows refuses all.
    if (entries && process.platform === 'win32') await rmdir(destination);
    return rename(temporary, destination);
  }
  const old = temporary.replace(/tmp$/, 'old');
  await rename(destination, old);
  try {
    await rename(temporary, destination);
  } catch (error) {
    await rename(old, destination);
    throw error;
  }
  await rm(old, { recursive: true, force: true });
}

async function syncFolders(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await syncFolders(join(folder, entry.name));
  }
  await syncFolder(folder);
}

/** Makes names in a folder durable. Windows has no such call. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems do not sync folders.
    if (systemCode(error) !== 'EINVAL') throw error;
  } finally {
    await handle.close();
  }
}

/** Removes `folder` and the folders above it up to `stop`, as long as they are empty. */
async function removeEmpty(folder: string, stop: string): Promise<void> {
  for (let current = folder; current !== stop && current !== dirname(current); current = dirname(current)) {
    try {
      await rmdir(current);
    } catch {
      return;
    }
  }
}
