import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { idOf } from './cells.mjs';

/** The result of a cell, or `undefined`. */
export async function readResult(folder, cell, kind = 'cells') {
  return readJson(join(folder, kind, `${idOf(cell)}.json`));
}

/** Written beside its place and moved there: it is whole or not there at all. */
export async function writeResult(folder, cell, result, kind = 'cells') {
  await mkdir(join(folder, kind), { recursive: true });
  const path = join(folder, kind, `${idOf(cell)}.json`);
  await writeFile(`${path}.part`, `${JSON.stringify(result, null, 2)}\n`);
  await rename(`${path}.part`, path);
}

/** All results of a folder, sorted by cell. */
export async function readResults(folder, kind = 'cells') {
  const files = await readdir(join(folder, kind)).catch(() => []);
  const names = files.filter((file) => file.endsWith('.json')).sort();
  return Promise.all(names.map((file) => readJson(join(folder, kind, file))));
}

async function readJson(path) {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}
