import type { SourceFolder } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import type { Checkpoint } from './checkpoint.js';
import { readSafetensors } from './read.js';
import { readShardedSafetensors } from './sharded.js';

export interface OpenSafetensorsOptions {
  /** `fp16` for `NAME.fp16.safetensors`. Default: the plain file, and `fp16` where that is the only one. */
  variant?: string;
}

/**
 * Opens the checkpoint called `baseName` in a folder, whichever way it is stored: an index with shards (looked for first,
 * as diffusers does), or one file.
 *
 * @param baseName  path without extension, e.g. `unet/diffusion_pytorch_model`
 * @throws {SecateurError} BAD_FILE when there is none; what `readSafetensors` and `readShardedSafetensors` throw
 */
export async function openSafetensors(
  folder: SourceFolder,
  baseName: string,
  options: OpenSafetensorsOptions = {},
): Promise<Checkpoint> {
  const { variant } = options;
  const candidates =
    variant === undefined ? [...namesOf(baseName), ...namesOf(baseName, 'fp16')] : namesOf(baseName, variant);
  for (const path of candidates) {
    if (!(await folder.has(path))) continue;
    return path.endsWith('.json') ? readShardedSafetensors(folder, path) : openSingle(folder, path);
  }
  const pickled = await folder.has(`${baseName}.bin`);
  throw new SecateurError('BAD_FILE', `${folder.name} has no ${candidates.join(', nor ')}.`, {
    file: folder.name,
    field: baseName,
    hint: pickled
      ? `${baseName}.bin is a pickle, which can run code and is not read: save the model with safe_serialization=True.`
      : "Name the model's own folder; for a pipeline that is the one that holds config.json and the weights.",
  });
}

async function openSingle(folder: SourceFolder, path: string): Promise<Checkpoint> {
  const source = await folder.open(path);
  try {
    return await readSafetensors(source);
  } catch (error) {
    await source.close?.();
    throw error;
  }
}

/** Writers have put the variant at three places of the index's name. */
function namesOf(baseName: string, variant?: string): string[] {
  if (variant === undefined) return [`${baseName}.safetensors.index.json`, `${baseName}.safetensors`];
  return [
    `${baseName}.safetensors.index.${variant}.json`,
    `${baseName}.safetensors.${variant}.index.json`,
    `${baseName}.${variant}.safetensors.index.json`,
    `${baseName}.${variant}.safetensors`,
  ];
}
