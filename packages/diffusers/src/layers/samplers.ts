import { float32, int, ints, string } from '@secateur/graph';
import type { Feature, ModuleBuilder } from '../module-builder.js';
import { conv2d } from './conv2d.js';

/** PyTorch's nearest neighbour: the pixel at or before. */
const nearest = {
  mode: string('nearest'),
  coordinate_transformation_mode: string('asymmetric'),
  nearest_mode: string('floor'),
};

/**
 * Downsample2D with a convolution of stride 2.
 *
 * @param padding  1: on all sides; 0: on the bottom and right only
 */
export function downsample(m: ModuleBuilder, path: string, x: Feature, outChannels: number, padding: 0 | 1): Feature {
  const pads = [padding, padding, 1, 1] as const;
  return m.at(path, () => conv2d(m, 'conv', x, { outChannels, kernel: 3, stride: 2, pads }));
}

/**
 * Upsample2D: twice the size by nearest neighbour, then a convolution.
 *
 * @param like  a feature map whose height and width the result has instead
 */
export function upsample(m: ModuleBuilder, path: string, x: Feature, outChannels: number, like?: Feature): Feature {
  const larger = () => (like ? nearestTo(m, x, like) : nearestTwice(m, x));
  return m.at(path, () => conv2d(m, 'conv', larger(), { outChannels, kernel: 3 }));
}

/** The height and width of another feature map by nearest neighbour, whatever they are. */
function nearestTo({ graph }: ModuleBuilder, x: Feature, like: Feature): Feature {
  const sizes = (value: string, from: number, to: number): string =>
    graph.op('Slice', [graph.op('Shape', [value]), graph.ints([from]), graph.ints([to])]);
  const shape = graph.op('Concat', [sizes(x.value, 0, 2), sizes(like.value, 2, 4)], { axis: int(0) });
  return { ...x, value: graph.op('Resize', [x.value, '', '', shape], nearest), level: like.level };
}

/** Twice the height and width by nearest neighbour. */
export function nearestTwice(m: ModuleBuilder, x: Feature): Feature {
  const scales = m.graph.tensor(float32([4], [1, 1, 2, 2]), 'scales');
  const value = m.graph.op('Resize', [x.value, '', scales], nearest);
  return { ...x, value, level: x.level - 1 };
}

/** Half the height and width by averaging 2 x 2 pixels. */
export function averageHalf(m: ModuleBuilder, x: Feature): Feature {
  const value = m.graph.op('AveragePool', [x.value], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) });
  return { ...x, value, level: x.level + 1 };
}

/** FirDownsample2D: smoothing with the filter 1 3 3 1, then every second pixel. Zero outside the picture. */
export function firHalf(m: ModuleBuilder, x: Feature): Feature {
  return filterHalf(m, x, x.value, 1);
}

/** FirUpsample2D: zeros between the pixels, then smoothing with the filter 1 3 3 1. */
export function firTwice(m: ModuleBuilder, x: Feature): Feature {
  return filterTwice(m, x, x.value, 1);
}

/** KDownsample2D: as {@link firHalf}, but mirrored outside the picture. */
export function kHalf(m: ModuleBuilder, x: Feature): Feature {
  return filterHalf(m, x, mirror(m, x), 0);
}

/** KUpsample2D: as {@link firTwice}, but mirrored outside the picture. */
export function kTwice(m: ModuleBuilder, x: Feature): Feature {
  return filterTwice(m, x, mirror(m, x), 3);
}

function filterHalf(m: ModuleBuilder, x: Feature, padded: string, pad: number): Feature {
  const value = m.graph.op('Conv', [padded, filter(m, x.channels, 1)], filterAttributes(x.channels, pad));
  return { ...x, value, level: x.level + 1 };
}

function filterTwice(m: ModuleBuilder, x: Feature, padded: string, pad: number): Feature {
  // A transposed convolution of stride 2 is the zeros in between and the smoothing in one; the filter is symmetric.
  const value = m.graph.op('ConvTranspose', [padded, filter(m, x.channels, 4)], filterAttributes(x.channels, pad));
  return { ...x, value, level: x.level - 1 };
}

function filterAttributes(channels: number, pad: number) {
  return {
    kernel_shape: ints([4, 4]),
    strides: ints([2, 2]),
    pads: ints([pad, pad, pad, pad]),
    group: int(channels),
  };
}

/** `[channels, 1, 4, 4]`: the outer product of 1 3 3 1 with itself, its sum scaled to `gain`. */
function filter(m: ModuleBuilder, channels: number, gain: number): string {
  const taps = [1, 3, 3, 1];
  const values = new Float32Array(channels * 16);
  for (let i = 0; i < values.length; i++) values[i] = (taps[(i >> 2) & 3]! * taps[i & 3]! * gain) / 64;
  return m.graph.tensor(float32([channels, 1, 4, 4], values), 'filter');
}

/** One pixel more on every side: the second from the border, mirrored. */
function mirror({ graph }: ModuleBuilder, x: Feature): string {
  let value = x.value;
  for (const axis of [2, 3]) {
    const line = (from: number): string =>
      graph.op('Slice', [value, graph.ints([from]), graph.ints([from + 1]), graph.ints([axis])]);
    value = graph.op('Concat', [line(1), value, line(-2)], { axis: int(axis) });
  }
  return value;
}
