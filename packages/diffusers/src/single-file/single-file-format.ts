import type { Format, FormatSource } from '@secateur/core';
import { readSafetensors } from '@secateur/safetensors';
import { componentsIn } from './components.js';
import { loadSingleFile, shapesOf } from './load.js';
import { saveSingleFile } from './save.js';

/**
 * Checkpoints of Stable Diffusion in one file with their original keys: U-Net, autoencoder and text encoders side by side.
 * One of them is opened, the U-Net by default, and written back into a file that holds the others as they were.
 */
export const singleFileFormat: Format = {
  name: 'single-file',
  apiVersion: 1,
  detect,
  load: loadSingleFile,
  save: saveSingleFile,
};

/** Keys tell: a `.safetensors` with a `config.json` beside it may be either kind. */
async function detect({ file }: FormatSource): Promise<boolean> {
  if (!file?.name.endsWith('.safetensors')) return false;
  try {
    return componentsIn(shapesOf(await readSafetensors(file))).length > 0;
  } catch {
    // A damaged file is told about by whoever loads it.
    return false;
  }
}
