import { float32, SecateurError, type Tensor, toFloat32 } from '@secateur/graph';
import { roundHalfEven } from '@secateur/samplers';

/** An 8-bit picture, rows from the top, channels interleaved: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA. */
export interface Bitmap {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** `height * width * channels` values. */
  readonly data: Uint8Array;
}

/**
 * Pictures as bytes: -1 becomes 0 and 1 becomes 255, what lies beyond is cut, halves are rounded to even (as diffusers does).
 *
 * @param images  [count, channels, height, width], 1 to 4 channels
 * @throws {SecateurError} SHAPE_MISMATCH when the tensor is not of that form
 */
export function bitmapsFrom(images: Tensor): Bitmap[] {
  const [count, channels, height, width] = images.shape;
  if (images.shape.length !== 4 || !isPictureDepth(channels)) {
    throw new SecateurError('SHAPE_MISMATCH', `[${images.shape}] is not [count, 1..4 channels, height, width].`);
  }
  const data = toFloat32(images);
  const plane = height * width;
  return Array.from({ length: count }, (_, n) => {
    const bytes = new Uint8Array(plane * channels);
    for (let c = 0; c < channels; c++) {
      const start = (n * channels + c) * plane;
      for (let i = 0; i < plane; i++) bytes[i * channels + c] = byteOf(data[start + i]);
    }
    return { width, height, channels, data: bytes };
  });
}

/** Whether that many channels make a picture. */
export function isPictureDepth(channels: number): boolean {
  return channels >= 1 && channels <= 4;
}

function byteOf(value: number): number {
  const unit = Math.min(Math.max(Math.fround(value / 2 + 0.5), 0), 1);
  return roundHalfEven(Math.fround(unit * 255));
}

/**
 * Pictures as `[count, channels, height, width]`, float32 in [-1, 1].
 *
 * @throws {SecateurError} BAD_DATA when there are none, SHAPE_MISMATCH when two differ in size
 */
export function tensorFromBitmaps(bitmaps: readonly Bitmap[]): Tensor {
  const { width, height, channels } = sameSize(bitmaps);
  const plane = height * width;
  const out = new Float32Array(bitmaps.length * channels * plane);
  for (const [n, { data }] of bitmaps.entries()) {
    for (let c = 0; c < channels; c++) {
      const start = (n * channels + c) * plane;
      for (let i = 0; i < plane; i++) out[start + i] = data[i * channels + c] / 127.5 - 1;
    }
  }
  return float32([bitmaps.length, channels, height, width], out);
}

/** The first bitmap, once all others are of its size. */
export function sameSize(bitmaps: readonly Bitmap[]): Bitmap {
  const first = bitmaps[0];
  if (!first) throw new SecateurError('BAD_DATA', 'There are no pictures.');
  const text = ({ width, height, channels }: Bitmap): string => `${width}x${height}x${channels}`;
  for (const [i, bitmap] of bitmaps.entries()) {
    if (text(bitmap) === text(first)) continue;
    throw new SecateurError('SHAPE_MISMATCH', `Picture ${i} is ${text(bitmap)}; the first is ${text(first)}.`);
  }
  return first;
}
