import { parseJson, type SourceFolder } from '@secateur/core';
import { SecateurError } from '@secateur/graph';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Largest text file that is read, in bytes: T5's `tokenizer.json` has 2.4 MB, the largest in use about 40. */
const maxBytes = 2 ** 26;

/**
 * A text file of a folder.
 * @throws {SecateurError} IO when it is missing; BAD_FILE when it is too large or no UTF-8
 */
export async function readText(folder: SourceFolder, path: string): Promise<string> {
  const source = await folder.open(path);
  try {
    if (source.size > maxBytes) {
      throw new SecateurError('BAD_FILE', `${path} has ${source.size} bytes; at most ${maxBytes} are read.`, {
        file: path,
      });
    }
    const bytes = await source.read(0, source.size);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new SecateurError('BAD_FILE', `${path} is not UTF-8.`, { file: path, cause });
  } finally {
    await source.close?.();
  }
}

/** @throws {SecateurError} IO when it is missing; BAD_FILE when it holds no JSON object */
export async function readObject(folder: SourceFolder, path: string): Promise<JsonObject> {
  const json = parseJson(await readText(folder, path), { file: path });
  if (isObject(json)) return json;
  throw new SecateurError('BAD_FILE', `${path} must hold a JSON object.`, { file: path });
}

/** The same, or `undefined` when the file is not there. */
export async function readObjectIfAny(folder: SourceFolder, path: string): Promise<JsonObject | undefined> {
  return (await folder.has(path)) ? readObject(folder, path) : undefined;
}

export function isObject(json: unknown): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
