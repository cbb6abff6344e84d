import { allocate, type Tensor, tensor } from '../tensor.js';
import { asPlane, validRange, type Window, windowedDims } from './window.js';

interface Sizes {
  readonly batch: number;
  readonly channels: number;
  readonly outChannels: number;
  readonly groups: number;
  readonly height: number;
  readonly width: number;
  readonly outHeight: number;
  readonly outWidth: number;
}

/**
 * Calls `visit` for every pair of an input row and an output row that a weight connects: `count` positions from
 * `inAt` in steps of `inStep`, and from `outAt` in steps of 1.
 */
function forEachRow(
  sizes: Sizes,
  plane: Window,
  visit: (weightAt: number, inAt: number, inStep: number, outAt: number, count: number) => void,
): void {
  const { batch, channels, outChannels, groups, height, width, outHeight, outWidth } = sizes;
  const [kh, kw] = plane.kernel;
  const perGroup = channels / groups;
  const outPerGroup = outChannels / groups;
  for (let n = 0; n < batch; n++) {
    for (let o = 0; o < outChannels; o++) {
      const firstChannel = Math.floor(o / outPerGroup) * perGroup;
      for (let c = 0; c < perGroup; c++) {
        for (let tap = 0; tap < kh * kw; tap++) {
          const dy = Math.floor(tap / kw) * plane.dilations[0] - plane.before[0];
          const dx = (tap % kw) * plane.dilations[1] - plane.before[1];
          const [y0, y1] = validRange(outHeight, height, plane.strides[0], dy);
          const [x0, x1] = validRange(outWidth, width, plane.strides[1], dx);
          const inPlane = (n * channels + firstChannel + c) * height;
          for (let y = y0; y < y1; y++) {
            const inAt = (inPlane + y * plane.strides[0] + dy) * width + x0 * plane.strides[1] + dx;
            const outAt = ((n * outChannels + o) * outHeight + y) * outWidth + x0;
            visit((o * perGroup + c) * kh * kw + tap, inAt, plane.strides[1], outAt, x1 - x0);
          }
        }
      }
    }
  }
}

/** Convolution of `x: [batch, channels, ...spatial]` with `w: [out, channels / groups, ...kernel]`. */
export function convolve(x: Tensor, w: Tensor, bias: Tensor | undefined, window: Window, groups: number): Tensor {
  const spatial = windowedDims(window, x.shape.slice(2)) as number[];
  const [height, width] = pair(x.shape.slice(2));
  const [outHeight, outWidth] = pair(spatial);
  const [batch, channels] = x.shape;
  const outChannels = w.shape[0];
  const sums = new Float64Array(batch * outChannels * outHeight * outWidth);
  if (bias) addBias(sums, bias, batch, outHeight * outWidth);
  const source = x.data as Float64Array;
  const weights = w.data as Float64Array;
  const sizes = { batch, channels, outChannels, groups, height, width, outHeight, outWidth };
  forEachRow(sizes, asPlane(window), (weightAt, inAt, inStep, outAt, count) => {
    const weight = weights[weightAt];
    for (let i = 0; i < count; i++) sums[outAt + i] += weight * source[inAt + i * inStep];
  });
  return rounded(x, [batch, outChannels, ...spatial], sums);
}

/**
 * Transposed convolution of `x: [batch, channels, ...spatial]` with `w: [channels, out / groups, ...kernel]` to spatial
 * size `spatial`: the input gradient of the convolution that `w` would be from `out` to `channels`.
 */
export function convolveTransposed(
  x: Tensor,
  w: Tensor,
  bias: Tensor | undefined,
  window: Window,
  groups: number,
  spatial: readonly number[],
): Tensor {
  const [outHeight, outWidth] = pair(x.shape.slice(2));
  const [height, width] = pair(spatial);
  const [batch, outChannels] = x.shape;
  const channels = w.shape[1] * groups;
  const sums = new Float64Array(batch * channels * height * width);
  if (bias) addBias(sums, bias, batch, height * width);
  const source = x.data as Float64Array;
  const weights = w.data as Float64Array;
  const sizes = { batch, channels, outChannels, groups, height, width, outHeight, outWidth };
  forEachRow(sizes, asPlane(window), (weightAt, inAt, inStep, outAt, count) => {
    const weight = weights[weightAt];
    for (let i = 0; i < count; i++) sums[inAt + i * inStep] += weight * source[outAt + i];
  });
  return rounded(x, [batch, channels, ...spatial], sums);
}

function pair(spatial: readonly number[]): [number, number] {
  return spatial.length === 2 ? [spatial[0], spatial[1]] : [1, spatial[0]];
}

function addBias(sums: Float64Array, bias: Tensor, batch: number, area: number): void {
  const channels = bias.data.length;
  for (let i = 0; i < batch * channels; i++) sums.fill(Number(bias.data[i % channels]), i * area, (i + 1) * area);
}

function rounded(like: Tensor, shape: readonly number[], sums: Float64Array): Tensor {
  const data = allocate(like.dtype, sums.length);
  (data as Float64Array).set(sums);
  return tensor(like.dtype, shape, data);
}
