import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { RunStore } from '@secateur/core';
import { SecateurError } from '@secateur/graph';

/** Where a run that leads to `out` keeps what it needs to go on after being killed. */
export function runFolderOf(out: string): string {
  return join(dirname(out), `.${basename(out)}.secateur-run`);
}

/** A run's memory in a folder, made when first written to. A record is in place whole or not at all. */
export function runFolder(folder: string): RunStore {
  const pathOf = (key: string): string => {
    if (!/^[\w-]+$/.test(key)) throw new SecateurError('IO', `"${key}" is no key of a run.`, { field: key });
    return join(folder, `${key}.bin`);
  };
  return {
    async load(key) {
      try {
        return await readFile(pathOf(key));
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw failure(folder, cause);
      }
    },
    async save(key, bytes) {
      const temporary = join(folder, `${key}.${randomUUID().slice(0, 8)}.tmp`);
      try {
        await mkdir(folder, { recursive: true });
        const handle = await open(temporary, 'w');
        try {
          await handle.writeFile(bytes);
          await handle.sync();
        } finally {
          await handle.close();
        }
        await rename(temporary, pathOf(key));
      } catch (cause) {
        // What could not be written may not be removable either; the first failure is the one to tell.
        await rm(temporary, { force: true }).catch(() => {});
        throw failure(folder, cause);
      }
    },
    clear: () => rm(folder, { recursive: true, force: true }),
  };
}

function failure(folder: string, cause: unknown): SecateurError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new SecateurError('IO', `The run cannot be kept in ${folder}: ${message}.`, {
    file: folder,
    hint: 'It lies beside the output: free some space there, or name another --out.',
    cause,
  });
}
