import { float32, SecateurError, type Tensor, toFloat32 } from '@secateur/graph';
import { type ResizeFilter, resizePlanes } from './resize.js';

/** How pictures are made ready for a feature extractor. */
export interface Preprocess {
  /** Subtracted from values in [0, 1], one for each channel. */
  readonly mean: readonly number[];
  /** Then divided by, one for each channel, above 0. */
  readonly std: readonly number[];
  /** Absent: pictures must have the extractor's size. */
  readonly resize?: ResizeFilter;
}

/** Values as they are, in [-1, 1]. */
export const plainPreprocess: Preprocess = { mean: [0.5], std: [0.5] };

export interface PictureShape {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Grey pictures become grey colours where colours are wanted; then resized, so that the shorter side fits, and cut to the
 * middle; then normalised.
 *
 * @param images  `[n, channels, height, width]` in [-1, 1]
 * @param wanted  what the extractor takes
 * @throws {SecateurError} SHAPE_MISMATCH when the channels cannot be made to fit, or sizes differ and none is to be changed
 */
export function preprocess(images: Tensor, wanted: PictureShape, how: Preprocess): Tensor {
  const [count, channels, height, width] = images.shape;
  const isSame = height === wanted.height && width === wanted.width;
  if ((channels !== wanted.channels && channels !== 1) || (!isSame && !how.resize)) {
    const text = (c: number, w: number, h: number) => `${w}×${h} with ${c} channel${c === 1 ? '' : 's'}`;
    throw new SecateurError(
      'SHAPE_MISMATCH',
      `Pictures are ${text(channels, width, height)}; the feature extractor takes ${text(wanted.channels, wanted.width, wanted.height)}.`,
      { field: 'features', hint: 'Choose one that fits, or let it resize: do_resize in its preprocessor_config.json.' },
    );
  }
  const planes = toFloat32(images);
  const sized = isSame ? planes : resizePlanes(planes, { height, width }, wanted, how.resize!);
  const plane = wanted.height * wanted.width;
  const out = new Float32Array(count * wanted.channels * plane);
  for (let n = 0; n < count; n++) {
    for (let c = 0; c < wanted.channels; c++) {
      const from = (n * channels + (channels === 1 ? 0 : c)) * plane;
      const to = (n * wanted.channels + c) * plane;
      const [mean, std] = [at(how.mean, c), at(how.std, c)];
      // (v / 2 + 1/2 - mean) / std as one product and one sum: exact where mean and std are both 1/2.
      const [factor, shift] = [0.5 / std, (0.5 - mean) / std];
      for (let i = 0; i < plane; i++) out[to + i] = sized[from + i] * factor + shift;
    }
  }
  return float32([count, wanted.channels, wanted.height, wanted.width], out);
}

function at(values: readonly number[], channel: number): number {
  return values[values.length === 1 ? 0 : channel];
}
