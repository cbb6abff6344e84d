import type { Model } from '@secateur/core';
import { atomicOutput } from '@secateur/core/node';
import { type WriteModelOptions, writeModel } from './write-model.js';

export interface SaveModelOptions extends WriteModelOptions {
  /** Replace what is at `path`. Default false. */
  readonly replace?: boolean;
}

/**
 * Writes a model into a new folder, which appears complete or not at all.
 *
 * @returns the files written, relative to the folder
 * @throws {SecateurError} EXISTS when something is at `path`; what {@link writeModel} throws
 */
export async function saveModel(model: Model, path: string, options: SaveModelOptions = {}): Promise<string[]> {
  const out = await atomicOutput(path, { replace: options.replace });
  try {
    const files = await writeModel(model, out, options);
    await out.commit();
    return files;
  } catch (error) {
    await out.discard();
    throw error;
  }
}
