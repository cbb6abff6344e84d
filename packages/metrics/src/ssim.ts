import { defineMetric, type Metric, type MetricState, type PluginFactory } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import { meanAndSpread, unitPictures } from './unit-pictures.js';

/** Side of the window. */
const SIZE = 11;
const SIGMA = 1.5;
/** `(0.01 R)²` and `(0.03 R)²` for the data range R = 1. */
const C1 = 0.01 ** 2;
const C2 = 0.03 ** 2;

const window = gaussianWindow();

/**
 * Structural similarity (Wang et al. 2004) of pairs of pictures, averaged over pixels, channels and pairs:
 *
 *   SSIM = (2 μx μy + C1) (2 σxy + C2) / ((μx² + μy² + C1) (σx² + σy² + C2)),   C1 = 0.01², C2 = 0.03²,
 *
 * with means, variances and covariance under a Gaussian window of 11×11 pixels and σ 1.5, only where the window lies within
 * the picture. Pictures are cut to [-1, 1] and taken to [0, 1] first: the data range is 1. `spread` is over pairs.
 *
 * @throws {SecateurError} SHAPE_MISMATCH for pictures smaller than the window
 */
export const ssim: PluginFactory<Metric, object> = defineMetric<object>({
  name: 'ssim',
  apiVersion: 1,
  summary: 'Structural similarity of pictures from the same noise, 11×11 Gaussian window, data range 1.',
  defaults: {},
  higherIsBetter: true,
  start: (): MetricState => {
    const values: number[] = [];
    return {
      add({ actual, reference }) {
        const [, channels, height, width] = actual!.shape;
        if (height < SIZE || width < SIZE) {
          const message = `"ssim" looks through a window of ${SIZE}×${SIZE} pixels; these pictures are ${width}×${height}.`;
          throw new SecateurError('SHAPE_MISMATCH', message, { plugin: 'ssim' });
        }
        const [x, y] = [unitPictures(actual!), unitPictures(reference!)];
        const plane = height * width;
        for (let start = 0; start < x.length; start += channels * plane) {
          let sum = 0;
          for (let c = 0; c < channels; c++) {
            const [from, to] = [start + c * plane, start + (c + 1) * plane];
            sum += planeSimilarity(x.subarray(from, to), y.subarray(from, to), height, width);
          }
          values.push(sum / channels);
        }
      },
      finish: () => meanAndSpread(values),
    };
  },
});

function planeSimilarity(x: Float64Array, y: Float64Array, height: number, width: number): number {
  const product = (a: Float64Array, b: Float64Array) => a.map((value, i) => value * b[i]);
  const maps = [x, y, product(x, x), product(y, y), product(x, y)].map((map) => blurred(map, height, width));
  const [mx, my, xx, yy, xy] = maps;
  let sum = 0;
  for (let i = 0; i < mx.length; i++) {
    const means = mx[i] * my[i];
    const squares = mx[i] ** 2 + my[i] ** 2;
    const variances = xx[i] + yy[i] - squares;
    sum += ((2 * means + C1) * (2 * (xy[i] - means) + C2)) / ((squares + C1) * (variances + C2));
  }
  return sum / mx.length;
}

/** Weighted means under the window, wherever it fits: `[height - 10, width - 10]`. */
function blurred(plane: Float64Array, height: number, width: number): Float64Array {
  const [innerHeight, innerWidth] = [height - SIZE + 1, width - SIZE + 1];
  const across = new Float64Array(height * innerWidth);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < innerWidth; column++) {
      let sum = 0;
      for (let k = 0; k < SIZE; k++) sum += window[k] * plane[row * width + column + k];
      across[row * innerWidth + column] = sum;
    }
  }
  const out = new Float64Array(innerHeight * innerWidth);
  for (let row = 0; row < innerHeight; row++) {
    for (let column = 0; column < innerWidth; column++) {
      let sum = 0;
      for (let k = 0; k < SIZE; k++) sum += window[k] * across[(row + k) * innerWidth + column];
      out[row * innerWidth + column] = sum;
    }
  }
  return out;
}

function gaussianWindow(): Float64Array {
  const weights = Float64Array.from({ length: SIZE }, (_, i) =>
    Math.exp(-((i - (SIZE - 1) / 2) ** 2) / (2 * SIGMA ** 2)),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}
