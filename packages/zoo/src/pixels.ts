import { SecateurError } from '@secateur/graph';

/**
 * Model values of the 256 pixel values: `x / 127.5 − 1` with float32 rounding after each operation, as the reference
 * scripts compute it, so that batches agree bit for bit.
 */
export const modelValueOf: Float32Array = Float32Array.from({ length: 256 }, (_, pixel) =>
  Math.fround(Math.fround(pixel / 127.5) - 1),
);

/** Size of a picture as a model takes it. */
export interface PictureSize {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

export function sizeText({ channels, height, width }: PictureSize): string {
  return `${width}×${height} with ${channels} ${channels === 1 ? 'channel' : 'channels'}`;
}

/** A sound picture, but not one that the model takes. */
export function unsuitable(name: string, found: string, expected: PictureSize, hint: string): SecateurError {
  const message = `${name} ${found}; the model takes pictures of ${sizeText(expected)}.`;
  return new SecateurError('BAD_DATA', message, { file: name, hint });
}
