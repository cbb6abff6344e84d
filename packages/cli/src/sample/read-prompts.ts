import { readFile, stat } from 'node:fs/promises';
import { SecateurError } from '@secateur/graph';

/** Larger files are no list of prompts. */
const maxBytes = 2 ** 22;

/**
 * Prompts of a file, one a line; empty lines and lines that start with `#` are left out.
 * @throws {SecateurError} IO when it cannot be read; BAD_FILE when it holds none
 */
export async function readPrompts(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) throw new SecateurError('IO', `${path} does not exist or is no file.`, { file: path });
  if (found.size > maxBytes) {
    throw new SecateurError('BAD_FILE', `${path} has ${found.size} bytes; a list of prompts has at most ${maxBytes}.`, {
      file: path,
    });
  }
  const lines = (await readFile(path, 'utf8')).split(/\r?\n/);
  const prompts = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  if (prompts.length > 0) return prompts;
  throw new SecateurError('BAD_FILE', `${path} holds no prompt.`, { file: path, hint: 'Write one on each line.' });
}
