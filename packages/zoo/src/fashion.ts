import { SecateurError, type Tensor, tensor } from '@secateur/graph';
import { type IdxArray, readIdx } from './idx.js';
import { modelValueOf } from './pixels.js';

export interface SliceOptions {
  /** How many images. Default: all from `offset` on. */
  count?: number;
  /** First image, from 0. Default 0. */
  offset?: number;
}

/**
 * Fashion-MNIST images as the bundled model was trained on them: padded by 2 pixels of −1 on every side, scaled to
 * [−1, 1].
 *
 * @param bytes  an image file of Fashion-MNIST (or of MNIST: same form), gzipped or not
 * @returns float32 `[count, 1, 32, 32]`
 * @throws {SecateurError} BAD_FILE as {@link readIdx}; BAD_DATA when the images are not 28×28; BAD_OPTION when the file
 *   has fewer images
 */
export async function fashionImages(bytes: Uint8Array, options: SliceOptions = {}): Promise<Tensor> {
  const idx = await readIdx(bytes, 'Fashion-MNIST images');
  if (idx.shape.length !== 3 || idx.shape[1] !== 28 || idx.shape[2] !== 28) {
    throw new SecateurError('BAD_DATA', `Fashion-MNIST images are [count, 28, 28]; this file holds [${idx.shape}].`);
  }
  return centred(idx, 32, 32, options);
}

/**
 * Images of an IDX array in the middle of pictures that are at least as large, on black.
 *
 * @param idx  `[n, h, w]`; `height − h` and `width − w` even and not negative
 * @returns float32 `[count, 1, height, width]` in [−1, 1]
 * @throws {SecateurError} BAD_OPTION when `offset` or `count` go past the end
 */
export function centred(idx: IdxArray, height: number, width: number, options: SliceOptions = {}): Tensor {
  const [available, h, w] = idx.shape;
  const { offset, count, isInside } = sliceOf(options, available);
  if (!isInside) {
    throw new SecateurError('BAD_OPTION', `${count} images from number ${offset} on; the file has ${available}.`);
  }
  const [top, left] = [(height - h) / 2, (width - w) / 2];
  const data = new Float32Array(count * height * width).fill(-1);
  for (let image = 0; image < count; image++) {
    for (let row = 0; row < h; row++) {
      const from = ((offset + image) * h + row) * w;
      const to = (image * height + top + row) * width + left;
      for (let column = 0; column < w; column++) data[to + column] = modelValueOf[idx.data[from + column]];
    }
  }
  return tensor('float32', [count, 1, height, width], data);
}

/** The images that are asked for, defaults filled in, and whether there are such. */
export function sliceOf(options: SliceOptions, available: number): Required<SliceOptions> & { isInside: boolean } {
  const offset = options.offset ?? 0;
  const count = options.count ?? available - offset;
  const isWhole = Number.isInteger(offset) && Number.isInteger(count);
  return { offset, count, isInside: isWhole && offset >= 0 && count >= 1 && offset + count <= available };
}
