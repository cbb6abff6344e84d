import { requireWhole, SparseWasmError } from './errors.js';
import { listOf, type Source } from './layer.js';
import type { Runtime } from './runtime.js';

export interface GroupNormOptions {
  /** Norm groups; must divide the channels. */
  groups: number;
  /** Pixels or tokens of a channel. */
  pixels: number;
  /** Default 1. */
  batch?: number;
  /** Default 1e-5. */
  eps?: number;
  /** f32 `[channels]` in the module's memory, or 0 for none. */
  gamma?: number;
  beta?: number;
}

/**
 * GroupNorm as a scale and a shift of every channel, which layers take as `affine` and apply while they read. One or more
 * sources, one after the other in channels; a norm group may straddle them.
 *
 * @param out  f32 `[batch][2][channels]` in the module's memory
 * @throws {SparseWasmError} BAD_SHAPE
 */
export function groupNormAffine(
  runtime: Runtime,
  x: Source | readonly Source[],
  out: number,
  options: GroupNormOptions,
): void {
  const { groups, pixels, batch = 1, eps = 1e-5, gamma = 0, beta = 0 } = options;
  const sources = listOf(x);
  const channels = sources.reduce((sum, source) => sum + source.channels, 0);
  requireWhole('groups', groups, 1, channels);
  requireWhole('pixels', pixels, 1, 2 ** 26);
  if (channels % groups) {
    throw new SparseWasmError('BAD_SHAPE', `${groups} norm groups do not divide ${channels} channels.`, {
      field: 'groups',
    });
  }
  const moments = runtime.scratch(24);
  const size = channels / groups;
  const { buffer } = runtime.kernels.memory;
  const floats = new Float32Array(buffer);
  const found = new Float64Array(buffer, moments, 3);
  for (let image = 0; image < batch; image++) {
    for (let g = 0; g < groups; g++) {
      const { mean, variance } = groupMoments(runtime, sources, image, g * size, size, pixels, found);
      const inverse = 1 / Math.sqrt(variance + eps);
      for (let k = g * size; k < (g + 1) * size; k++) {
        const scale = inverse * (gamma ? floats[gamma / 4 + k] : 1);
        const at = out / 4 + 2 * image * channels + k;
        floats[at] = scale;
        floats[at + channels] = (beta ? floats[beta / 4 + k] : 0) - mean * scale;
      }
    }
  }
}

/** Mean and (biased) variance of channels [first, first + size) of an image, joined over the sources they lie in. */
function groupMoments(
  { kernels }: Runtime,
  sources: readonly Source[],
  image: number,
  first: number,
  size: number,
  pixels: number,
  result: Float64Array,
): { mean: number; variance: number } {
  let [count, mean, squares] = [0, 0, 0];
  let base = 0;
  for (const { at, channels } of sources) {
    const from = Math.max(first, base);
    const n = Math.min(first + size, base + channels) - from;
    if (n > 0) {
      kernels.f32_moments__simd(at + 4 * pixels * (image * channels + from - base), n * pixels, result.byteOffset);
      const [more, otherMean, otherSquares] = result;
      const difference = otherMean - mean;
      const total = count + more;
      mean += (difference * more) / total;
      squares += otherSquares + (difference * difference * count * more) / total;
      count = total;
    }
    base += channels;
  }
  return { mean, variance: squares / count };
}
