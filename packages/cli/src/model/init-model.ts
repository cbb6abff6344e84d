import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Model, parseJson } from '@secateur/core';
import { nodeFile } from '@secateur/core/node';
import { SecateurError } from '@secateur/graph';

/** Largest configuration that is read, in bytes. */
const maxConfigBytes = 2 ** 24;

/**
 * A model of a configuration with seeded random weights.
 * @param path  a `config.json`, or a folder with one
 * @throws {SecateurError} IO, BAD_FILE, BAD_CONFIG
 */
export async function initModel(path: string, seed: number): Promise<Model> {
  const { modelFromWeights, randomWeights } = await import('@secateur/diffusers');
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const file = isFolder ? join(path, 'config.json') : path;
  const config = await readConfig(file);
  try {
    return modelFromWeights(file, config, randomWeights(config, seed));
  } catch (error) {
    if (error instanceof SecateurError && error.file === undefined) {
      const { code, message, field, hint } = error;
      throw new SecateurError(code, message, { file, field, hint, cause: error });
    }
    throw error;
  }
}

async function readConfig(path: string): Promise<Record<string, unknown>> {
  const file = await nodeFile(path);
  try {
    if (file.size > maxConfigBytes) {
      throw new SecateurError(
        'BAD_FILE',
        `${path} has ${file.size} bytes; a configuration has at most ${maxConfigBytes}.`,
        { file: path },
      );
    }
    const json = parseJson(await file.read(0, file.size), { file: path });
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
    throw new SecateurError('BAD_FILE', `${path} must hold a JSON object.`, { file: path });
  } finally {
    await file.close?.();
  }
}
