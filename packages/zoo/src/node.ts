import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { SecateurError, type Tensor } from '@secateur/graph';
import { zooEntries } from './entries.js';
import { fashionImages, type SliceOptions } from './fashion.js';

/**
 * Absolute path of an entry of the zoo: a model's folder, or a file of images.
 * @throws {SecateurError} BAD_OPTION when the zoo has no such entry
 */
export function zooPath(name: string): string {
  const entry = zooEntries.find((candidate) => candidate.name === name);
  if (!entry) {
    const known = zooEntries.map((candidate) => candidate.name).join(', ');
    throw new SecateurError('BAD_OPTION', `The zoo has no "${name}"; it has ${known}.`);
  }
  return fileURLToPath(new URL(`../data/${entry.path}`, import.meta.url));
}

/**
 * The zoo's calibration images, as its model takes them.
 * @returns float32 `[count, 1, 32, 32]` in [−1, 1]
 * @throws {SecateurError} BAD_OPTION when `offset` and `count` go past image 9,999
 */
export async function zooImages(options: SliceOptions = {}): Promise<Tensor> {
  return fashionImages(await readFile(zooPath('fashion-mnist')), options);
}
