import type { MetricResult, TextImageEncoder } from '@secateur/core';
import { SecateurError, type Tensor, toFloat32 } from '@secateur/graph';
import { meanAndSpread } from './unit-pictures.js';

export interface ClipScoreOptions {
  /** Factor of the cosine. Default 1; torchmetrics gives 100 times, Hessel et al. 2.5 times that. */
  readonly scale?: number;
  readonly signal?: AbortSignal;
}

/**
 * How well pictures fit their prompts: `scale · max(0, cos(picture, prompt))`, averaged (Hessel et al. 2021). The encoder
 * comes from outside, so that this package carries no model; quote its name with the number.
 *
 * @param images  `[n, channels, height, width]` in [-1, 1]
 * @param prompts  one for each picture
 * @returns `spread` is over pairs
 * @throws {SecateurError} SHAPE_MISMATCH when the numbers of pictures and prompts differ, or the encoder's vectors do;
 *   BAD_DATA when there are none, or a vector is zero or not finite
 */
export async function clipScore(
  encoder: TextImageEncoder,
  images: Tensor,
  prompts: readonly string[],
  options: ClipScoreOptions = {},
): Promise<MetricResult> {
  const { scale = 1, signal } = options;
  const [count] = images.shape;
  if (count !== prompts.length) {
    throw new SecateurError('SHAPE_MISMATCH', `There are ${count} pictures and ${prompts.length} prompts.`, {
      field: 'prompts',
      hint: 'Give one prompt for each picture.',
    });
  }
  if (count === 0) throw new SecateurError('BAD_DATA', 'There are no pictures.', { field: 'images' });
  const pictures = await encoder.encodeImages(images, { signal });
  const texts = await encoder.encodeTexts(prompts, { signal });
  const [rows, dims] = pictures.shape;
  if (rows !== count || texts.shape[0] !== count || texts.shape[1] !== dims) {
    const message = `${encoder.name} gave [${pictures.shape}] for ${count} pictures and [${texts.shape}] for as many prompts.`;
    throw new SecateurError('SHAPE_MISMATCH', message, { plugin: encoder.name });
  }
  const [a, b] = [toFloat32(pictures), toFloat32(texts)];
  const values = Array.from({ length: count }, (_, i) => {
    const cosine = cosineOf(a.subarray(i * dims, (i + 1) * dims), b.subarray(i * dims, (i + 1) * dims));
    if (Number.isFinite(cosine)) return scale * Math.max(0, cosine);
    throw new SecateurError('BAD_DATA', `${encoder.name} gave no direction for pair ${i}.`, { plugin: encoder.name });
  });
  return { ...meanAndSpread(values), count: { actual: count, reference: count }, warnings: [] };
}

function cosineOf(a: Float32Array, b: Float32Array): number {
  let [inner, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    inner += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return inner / Math.sqrt(aa * bb);
}
