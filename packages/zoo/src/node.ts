import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { uniform } from '@secateur/core';
import { SecateurError, type Tensor } from '@secateur/graph';
import { brightnessOf, type CaptionWords, captionOf } from './captions.js';
import { zooEntries } from './entries.js';
import { fashionImages, type SliceOptions, sliceOf } from './fashion.js';
import { type IdxArray, readIdx } from './idx.js';
import { type PictureDecoders, pictureDecoders } from './picture-decoders.js';

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

/**
 * The classes of the zoo's calibration images, 0 to 9: indices of `fashionClasses`.
 * @throws {SecateurError} BAD_OPTION when `offset` and `count` go past image 9,999
 */
export async function zooLabels(options: SliceOptions = {}): Promise<number[]> {
  const { data } = await labels();
  return Array.from(data.subarray(...rangeOf(options, data.length)));
}

/**
 * Captions of the zoo's calibration images, as `fashion-sd` was trained on them: one sentence each, drawn by image and seed.
 * @param options.seed  default 0
 * @throws {SecateurError} BAD_OPTION when `offset` and `count` go past image 9,999
 */
export async function zooCaptions(options: SliceOptions & { seed?: number } = {}): Promise<string[]> {
  const words: CaptionWords = JSON.parse(await readFile(`${zooPath('fashion-sd')}/captions.json`, 'utf8'));
  const pictures = await readIdx(await readFile(zooPath('fashion-mnist')), 'Fashion-MNIST images');
  const { data } = await labels();
  const [first, end] = rangeOf(options, data.length);
  const captions: string[] = [];
  for (let image = first; image < end; image++) {
    const draw = (choice: number) => uniform(options.seed ?? 0, image, choice);
    captions.push(captionOf(words, data[image], brightnessOf(pictures, image), draw));
  }
  return captions;
}

async function labels(): Promise<IdxArray> {
  return readIdx(
    await readFile(zooPath('fashion-mnist').replace('images-idx3', 'labels-idx1')),
    'Fashion-MNIST labels',
  );
}

/** @throws {SecateurError} BAD_OPTION when they are not all there */
function rangeOf(options: SliceOptions, available: number): [first: number, end: number] {
  const { offset, count, isInside } = sliceOf(options, available);
  if (isInside) return [offset, offset + count];
  const last = offset + count - 1;
  throw new SecateurError('BAD_OPTION', `Images ${offset} to ${last}: the zoo has 0 to ${available - 1}.`);
}

/** Decoders of JPEG and WebP whose WebAssembly is read from the installed packages: `decoders` of `readImages` in Node. */
export function nodePictureDecoders(): PictureDecoders {
  const { resolve } = createRequire(import.meta.url);
  const compiled = async (file: string) => WebAssembly.compile(await readFile(resolve(file)));
  return pictureDecoders({
    jpeg: () => compiled('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm'),
    webp: () => compiled('@jsquash/webp/codec/dec/webp_dec.wasm'),
  });
}
