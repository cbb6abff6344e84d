import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Model } from '@secateur/core';
import { int64, SecateurError, type Tensor } from '@secateur/graph';
import { modelPath } from './load-model.js';
import { denoiserInputsOf } from './sampler-of.js';

/** The one condition that files of pictures can bring along. */
export const labelInput = 'class_labels';

/** Whether a model takes class labels and nothing else besides noisy pictures and timesteps. */
export function takesLabels(model: Model): boolean {
  const conditions = denoiserInputsOf(model)?.conditions ?? [];
  return conditions.length === 1 && conditions[0]!.name === labelInput;
}

/**
 * Classes of the first pictures of an IDX file, from the file of labels beside it: `t10k-labels-idx1-ubyte.gz` beside
 * `t10k-images-idx3-ubyte.gz`.
 *
 * @param path  what was given as data
 * @param names  of the pictures, as `readImages` gives them
 * @throws {SecateurError} BAD_DATA when there is no such file or it has too few labels; BAD_FILE when it is damaged
 */
export async function loadLabels(path: string, names: readonly string[]): Promise<Record<string, Tensor>> {
  const { readIdx } = await import('@secateur/zoo');
  const place = await modelPath(path);
  const images = (await stat(place)).isDirectory() ? join(place, names[0]!.replace(/#\d+$/, '')) : place;
  const file = join(dirname(images), basename(images).replace('images-idx3', 'labels-idx1'));
  const bytes = file === images ? undefined : await readFile(file).catch(() => undefined);
  if (!bytes) {
    throw new SecateurError('BAD_DATA', `The model takes class labels; ${path} has none.`, {
      file: path,
      field: labelInput,
      hint: `Give an IDX file …images-idx3-ubyte with …labels-idx1-ubyte beside it, or a .safetensors with ${labelInput}.`,
    });
  }
  const { shape, data } = await readIdx(bytes, basename(file));
  if (shape.length !== 1 || data.length < names.length) {
    throw new SecateurError('BAD_DATA', `${basename(file)} holds [${shape}]; ${names.length} labels are needed.`, {
      file: basename(file),
    });
  }
  return { [labelInput]: int64(Array.from(data.subarray(0, names.length))) };
}
