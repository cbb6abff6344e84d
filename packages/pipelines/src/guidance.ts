import { float32, type Tensor, toFloat32 } from '@secateur/graph';

export interface Guidance {
  /** How far away from the answer without the prompt: 1 is the prompt's own answer. */
  readonly scale: number;
  /** Share of the answer that is brought back to the spread of the prompt's own, in [0, 1]. Default 0. */
  readonly rescale?: number;
}

/**
 * Classifier-free guidance (Ho and Salimans, 2207.12598): `without + scale * (given - without)`. With `rescale` as in
 * section 3.4 of Lin et al., 2305.08891: each sample's standard deviation is brought towards that of `given`.
 *
 * @param without  the answer without the prompt, `[batch, ...]`
 * @param given  the answer with it
 */
export function guided(without: Tensor, given: Tensor, { scale, rescale = 0 }: Guidance): Tensor {
  const [a, b] = [toFloat32(without), toFloat32(given)];
  const out = a.map((value, i) => value + Math.fround(scale * Math.fround(b[i] - value)));
  if (rescale === 0) return float32(given.shape, out);
  const size = out.length / given.shape[0];
  for (let from = 0; from < out.length; from += size) {
    const sample = out.subarray(from, from + size);
    const ratio = deviationOf(b.subarray(from, from + size)) / deviationOf(sample);
    const factor = rescale * ratio + 1 - rescale;
    for (let i = 0; i < size; i++) sample[i] *= factor;
  }
  return float32(given.shape, out);
}

/** Standard deviation with `n - 1`, as PyTorch reckons it. */
function deviationOf(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}

/**
 * A guidance scale as an input of the model, for models distilled to take it: sines, then cosines, of `1000 * value`
 * times frequencies falling from 1 to 1/10,000.
 *
 * @returns float32 `[count, width]`, all rows alike
 */
export function guidanceEmbedding(value: number, count: number, width: number): Tensor {
  const half = Math.floor(width / 2);
  const out = new Float32Array(count * width);
  for (let i = 0; i < half; i++) {
    const frequency = Math.fround(Math.exp(Math.fround(Math.fround(-Math.log(10_000) / (half - 1)) * i)));
    const angle = Math.fround(Math.fround(value * 1000) * frequency);
    for (let row = 0; row < count; row++) {
      out[row * width + i] = Math.sin(angle);
      out[row * width + half + i] = Math.cos(angle);
    }
  }
  return float32([count, width], out);
}
