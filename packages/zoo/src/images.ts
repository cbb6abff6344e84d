import type { ByteSource, SourceFolder } from '@secateur/core';
import { SecateurError, type Tensor, tensor, throwIfAborted } from '@secateur/graph';
import { readCodedPicture } from './coded-picture.js';
import { centred } from './fashion.js';
import { isGzip, isIdx, readIdx } from './idx.js';
import { isJpeg } from './jpeg-header.js';
import { type PictureDecoders, pictureDecoders } from './picture-decoders.js';
import { type PictureSize, sizeText } from './pixels.js';
import { isPng, readPng } from './png.js';
import { isWebp } from './webp-header.js';

export interface ImageOptions extends PictureSize {
  /** Read at most this many, the first in order of name (pictures) or position (IDX). Default: all. */
  limit?: number;
  /**
   * Called with every picture of a folder that is damaged or not of the model's size, which is then left out. Default: the first
   * such picture is an error.
   */
  onBad?: (error: SecateurError) => void;
  /** What unpacks JPEG and WebP. Default: WebAssembly fetched from beside the code; in Node, `nodePictureDecoders()`. */
  decoders?: PictureDecoders;
  signal?: AbortSignal;
}

export interface ImageSet {
  /** float32 `[count, channels, height, width]` in [−1, 1]. */
  readonly images: Tensor;
  /** For each image the file it came from, or the file and its number in it: `t10k-images-idx3-ubyte.gz#7`. */
  readonly names: readonly string[];
}

const pictureName = /\.(png|jpe?g|webp)$/i;
const idxName = /idx3-ubyte(\.gz)?$/;
const maxFileBytes = 2 ** 30;

/**
 * Images to calibrate with: a folder of PNG, JPEG and WebP pictures (subfolders too, in order of path), one picture, or an IDX
 * file, plain or gzipped, by itself or as the only image file of a folder. A picture must have the model's size and channels; an
 * IDX file's smaller ones are set in the middle of black ones, as the zoo's model has learnt them.
 *
 * @throws {SecateurError} BAD_DATA when there are no images or one does not fit the model, naming the file; BAD_FILE when
 *   one is damaged; BAD_OPTION when a size or the limit is no whole number of at least 1
 */
export async function readImages(source: SourceFolder | ByteSource, options: ImageOptions): Promise<ImageSet> {
  for (const field of ['channels', 'height', 'width', 'limit'] as const) {
    const value = options[field];
    if (field === 'limit' && value === undefined) continue;
    if (!Number.isInteger(value) || Number(value) < 1) {
      throw new SecateurError('BAD_OPTION', `${field} is ${value}; it must be a whole number of at least 1.`, {
        field,
      });
    }
  }
  return 'list' in source ? readFolder(source, options) : readFile(source, options);
}

async function readFolder(folder: SourceFolder, options: ImageOptions): Promise<ImageSet> {
  const all = await folder.list();
  const pictures = all.filter((path) => pictureName.test(path));
  if (pictures.length > 0) {
    const open = (path: string) => folder.open(path);
    return readPictures(pictures.slice(0, options.limit), open, options);
  }
  const arrays = all.filter((path) => idxName.test(path));
  if (arrays.length === 1) return readFile(await folder.open(arrays[0]), options);
  const held =
    arrays.length > 1 ? `${arrays.length} IDX files of images, and no picture` : 'no picture and no IDX file of images';
  throw new SecateurError('BAD_DATA', `${folder.name} holds ${held}.`, {
    file: folder.name,
    hint:
      arrays.length > 1
        ? `Name one of them: ${arrays.join(', ')}.`
        : 'Give a folder of .png, .jpg or .webp files of the model’s size.',
  });
}

async function readFile(source: ByteSource, options: ImageOptions): Promise<ImageSet> {
  try {
    const bytes = await readAll(source);
    if (isPicture(bytes)) return await readPictures([source.name], async () => source, options);
    if (isIdx(bytes) || isGzip(bytes)) return idxImages(await readIdx(bytes, source.name), source.name, options);
    throw new SecateurError('BAD_DATA', `${source.name} is neither a PNG, JPEG or WebP nor an IDX file of images.`, {
      file: source.name,
    });
  } finally {
    await source.close?.();
  }
}

function isPicture(bytes: Uint8Array): boolean {
  return isPng(bytes) || isJpeg(bytes) || isWebp(bytes);
}

async function readPictures(
  paths: readonly string[],
  open: (path: string) => Promise<ByteSource>,
  options: ImageOptions,
): Promise<ImageSet> {
  const { channels, height, width } = options;
  const size = channels * height * width;
  const data = new Float32Array(paths.length * size);
  const names: string[] = [];
  let decoders: PictureDecoders | undefined;
  for (const path of paths) {
    throwIfAborted(options.signal);
    const source = await open(path);
    try {
      const at = names.length * size;
      const [bytes, out] = [await readAll(source), data.subarray(at, at + size)];
      // Told by what they hold: names lie. What is neither is told of as the PNG that it is not.
      if (isJpeg(bytes) || isWebp(bytes)) {
        await readCodedPicture(bytes, path, options, (decoders ??= options.decoders ?? pictureDecoders()), out);
      } else readPng(bytes, path, options, out);
      names.push(path);
    } catch (error) {
      if (!options.onBad || !(error instanceof SecateurError)) throw error;
      options.onBad(error);
    } finally {
      await source.close?.();
    }
  }
  if (names.length === 0) throw new SecateurError('BAD_DATA', 'None of the pictures can be used.', { file: paths[0] });
  const images = tensor('float32', [names.length, channels, height, width], data.slice(0, names.length * size));
  return { images, names };
}

function idxImages(idx: Awaited<ReturnType<typeof readIdx>>, name: string, options: ImageOptions): ImageSet {
  const [available, h, w] = idx.shape;
  if (idx.shape.length !== 3 || available === 0) {
    throw new SecateurError('BAD_DATA', `${name} holds [${idx.shape}]; images are [count, height, width].`, {
      file: name,
    });
  }
  const [vertical, horizontal] = [options.height - h, options.width - w];
  const fits = vertical >= 0 && horizontal >= 0 && vertical % 2 === 0 && horizontal % 2 === 0;
  if (options.channels !== 1 || !fits) {
    const message = `${name} holds pictures of ${sizeText({ channels: 1, height: h, width: w })}; the model takes ${sizeText(options)}.`;
    throw new SecateurError('BAD_DATA', message, {
      file: name,
      hint: 'Pictures of an IDX file are only padded, by the same number of pixels on opposite sides.',
    });
  }
  const count = Math.min(available, options.limit ?? available);
  const images = centred(idx, options.height, options.width, { count });
  return { images, names: Array.from({ length: count }, (_, i) => `${name}#${i}`) };
}

async function readAll(source: ByteSource): Promise<Uint8Array> {
  if (source.size > maxFileBytes) {
    const message = `${source.name} has ${source.size} bytes; a file of images may have ${maxFileBytes}.`;
    throw new SecateurError('BAD_FILE', message, { file: source.name });
  }
  return source.read(0, source.size);
}
