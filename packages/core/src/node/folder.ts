import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { SecateurError } from '@secateur/graph';
import type { ByteSource, SourceFolder } from '../files.js';
import { safePath } from '../safe-path.js';
import { nodeFile } from './file.js';
import { ioError, systemCode } from './io-error.js';

/** More files than any model has; a listing stops there, lest `/` be walked. */
const MAX_FILES = 100_000;

/**
 * A model's folder on disk. Links to places outside it are refused, whoever made them: a model from a stranger must not
 * make us read, and perhaps upload, other files of this machine.
 *
 * `list` gives regular files and links to files; folders that are links are not descended into.
 *
 * @throws {SecateurError} IO when it is missing, BAD_FILE when it is not a folder
 */
export async function nodeFolder(path: string): Promise<SourceFolder> {
  const root = await realFolder(path);
  /** The real path, or `undefined` when there is no such file. */
  const locate = async (file: string): Promise<string | undefined> => {
    const given = join(root, ...safePath(file, path).split('/'));
    let real: string;
    try {
      real = await realpath(given);
    } catch (error) {
      const code = systemCode(error);
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw ioError(error, join(path, file));
    }
    if (!isInside(root, real)) throw leavesFolder(path, file, real);
    return (await stat(real)).isFile() ? real : undefined;
  };
  return {
    name: path,
    path: root,
    list: () => listFiles(root, path),
    has: async (file) => (await locate(file)) !== undefined,
    async open(file): Promise<ByteSource> {
      const real = await locate(file);
      if (real !== undefined) return nodeFile(real, join(path, file));
      throw new SecateurError('IO', `${join(path, file)} does not exist or is not a file.`, {
        file: join(path, file),
        hint: 'Check that the model is complete.',
      });
    },
  };
}

async function realFolder(path: string): Promise<string> {
  try {
    const root = await realpath(resolve(path));
    if ((await stat(root)).isDirectory()) return root;
  } catch (error) {
    throw ioError(error, path);
  }
  throw new SecateurError('BAD_FILE', `${path} is not a folder.`, { file: path, hint: "Name the model's folder." });
}

function isInside(root: string, real: string): boolean {
  return real.startsWith(root.endsWith(sep) ? root : root + sep);
}

function leavesFolder(folder: string, file: string, real: string): SecateurError {
  const link = join(folder, file);
  return new SecateurError('BAD_FILE', `${link} is a symbolic link that leaves the model's folder, to ${real}.`, {
    file: link,
    field: file,
    hint: `If you trust it (a download cache stores models so), copy the files in place of the links: cp -rL ${folder} COPY`,
  });
}

async function listFiles(root: string, name: string): Promise<readonly string[]> {
  const files: string[] = [];
  const visit = async (folder: string): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) await visit(path);
      else if (await isListed(entry, path)) files.push(relative(root, path).split(sep).join('/'));
      if (files.length > MAX_FILES) {
        throw new SecateurError('BAD_FILE', `${name} holds more than ${MAX_FILES} files.`, {
          file: name,
          hint: 'Name the folder of one model.',
        });
      }
    }
  };
  try {
    await visit(root);
  } catch (error) {
    throw ioError(error, name);
  }
  return files.sort();
}

async function isListed(entry: Dirent, path: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isFile();
  // A link that leaves the folder is listed too, so that opening it says what is wrong.
  return stat(path).then(
    (target) => target.isFile(),
    () => false,
  );
}
