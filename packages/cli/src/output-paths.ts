import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { SecateurError } from '@secateur/graph';

/**
 * Refuses an output folder that a run could not put in place, before hours are spent: one that is the input, lies inside
 * it or around it, or that holds something.
 *
 * @param out, inputs  absolute paths
 * @throws {SecateurError} BAD_OPTION, EXISTS
 */
export async function checkOutput(out: string, inputs: readonly string[], replace: boolean): Promise<void> {
  const real = await realPath(out);
  for (const input of inputs) {
    const from = await realPath(input);
    if (contains(from, real))
      throw refused(out, real === from ? `is the input itself` : `lies inside the input ${input}`);
    if (contains(real, from)) throw refused(out, `holds the input ${input}`);
  }
  const found = await stat(real).catch(() => undefined);
  if (!found) return;
  const isFolder = found.isDirectory();
  if (isFolder && (replace || (await readdir(real)).length === 0)) return;
  throw new SecateurError('EXISTS', `${out} ${isFolder ? 'exists and is not empty' : 'is a file'}.`, {
    file: out,
    hint: isFolder ? 'Name a new folder with --out, or add --replace.' : 'Name a new folder with --out.',
  });
}

/** The same for a single file. */
export async function checkOutputFile(out: string, inputs: readonly string[], replace: boolean): Promise<void> {
  const real = await realPath(out);
  for (const input of inputs) if ((await realPath(input)) === real) throw refused(out, 'is the input itself');
  const found = await stat(real).catch(() => undefined);
  if (!found || (replace && found.isFile())) return;
  throw new SecateurError('EXISTS', `${out} ${found.isFile() ? 'exists' : 'is a folder'}.`, {
    file: out,
    hint: found.isFile() ? 'Name a new file, or add --replace.' : 'Name a file.',
  });
}

/** The path with all links resolved, as far as it exists. */
async function realPath(path: string): Promise<string> {
  const absolute = resolve(path);
  try {
    return await realpath(absolute);
  } catch {
    const parent = dirname(absolute);
    return parent === absolute ? absolute : join(await realPath(parent), basename(absolute));
  }
}

function contains(outer: string, inner: string): boolean {
  const way = relative(outer, inner);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !/^[a-z]:/i.test(way));
}

function refused(out: string, reason: string): SecateurError {
  return new SecateurError('BAD_OPTION', `${out} ${reason}.`, {
    file: out,
    field: 'out',
    hint: 'The input is never touched: name a folder elsewhere with --out.',
  });
}
