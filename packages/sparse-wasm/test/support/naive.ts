/** Layers from their definitions, in float64, and the sum of the magnitudes of what is added: errors are relative to that. */
export interface NaiveConvolution {
  outputs: number;
  inputs: number;
  kernel: readonly [number, number];
  height: number;
  width: number;
  batch: number;
  stride: number;
  /** `[top, left, bottom, right]` */
  padding: readonly [number, number, number, number];
}

export function naiveConvolution(
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  { outputs, inputs, kernel, height, width, batch, stride, padding }: NaiveConvolution,
): { y: Float64Array; magnitude: Float64Array; outHeight: number; outWidth: number } {
  const [top, left, bottom, right] = padding;
  const outHeight = Math.floor((height + top + bottom - kernel[0]) / stride) + 1;
  const outWidth = Math.floor((width + left + right - kernel[1]) / stride) + 1;
  const y = new Float64Array(batch * outputs * outHeight * outWidth);
  const magnitude = new Float64Array(y.length);
  let at = 0;
  for (let image = 0; image < batch; image++) {
    for (let o = 0; o < outputs; o++) {
      for (let row = 0; row < outHeight; row++) {
        for (let column = 0; column < outWidth; column++, at++) {
          for (let tap = 0; tap < kernel[0] * kernel[1]; tap++) {
            const sy = row * stride - top + Math.floor(tap / kernel[1]);
            const sx = column * stride - left + (tap % kernel[1]);
            if (sy < 0 || sx < 0 || sy >= height || sx >= width) continue;
            for (let c = 0; c < inputs; c++) {
              const w = weight[(o * inputs + c) * kernel[0] * kernel[1] + tap];
              const product = w * x[((image * inputs + c) * height + sy) * width + sx];
              y[at] += product;
              magnitude[at] += Math.abs(product);
            }
          }
        }
      }
    }
  }
  return { y, magnitude, outHeight, outWidth };
}

/** Fails with the worst element when an error is above `bound` times that element's magnitude plus `absolute`. */
export function expectWithin(
  actual: Float32Array,
  expected: Float64Array,
  magnitude: Float64Array,
  bound: number,
  label: string,
): void {
  if (actual.length !== expected.length) throw new Error(`${label}: ${actual.length} values for ${expected.length}.`);
  let worst = -1;
  let at = 0;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i] - expected[i]) / (magnitude[i] + 1e-30);
    if (!(error <= worst)) [worst, at] = [error, i];
    if (Number.isNaN(error)) break;
  }
  if (worst <= bound) return;
  throw new Error(`${label}: ${actual[at]} at ${at} where ${expected[at]} is expected; error ${worst} above ${bound}.`);
}
