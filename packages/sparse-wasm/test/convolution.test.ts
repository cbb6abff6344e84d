import { beforeAll, describe, expect, it } from 'vitest';
import { type ConvolutionOptions, createConvolution } from '../src/convolution.js';
import { packWeights } from '../src/pack-weights.js';
import type { Algorithm } from '../src/packed-weights.js';
import { silu } from '../src/reference/functions.js';
import type { Runtime } from '../src/runtime.js';
import { buildTimeout } from './support/modules.js';
import { expectWithin, naiveConvolution } from './support/naive.js';
import { type MaskKind, maskOf, testRuntime, uniform } from './support/runtime.js';

let runtimes: Runtime[];
beforeAll(async () => {
  runtimes = [await testRuntime('simd'), await testRuntime('relaxed')];
}, buildTimeout);

interface Case extends Omit<ConvolutionOptions, 'algorithm'> {
  outputs: number;
  inputs: number;
  kernel?: readonly [number, number];
  mask?: MaskKind;
  mr?: 1 | 2 | 4;
  bias?: boolean;
  residual?: 'other' | 'same';
  affine?: boolean;
  /** A bias for every image, given when it runs. */
  imageBias?: boolean;
  /** Channels of a first source; the rest is a second. */
  split?: number;
}

/**
 * Rounding relative to the sum of magnitudes: direct sums are within (n + 3) half units, n <= 600 here, and far below in practice;
 * the transforms multiply by up to 100 (F4) and so lose two digits.
 */
const bounds: Record<Algorithm, number> = { direct: 2e-6, 'winograd-f2': 4e-6, 'winograd-f4': 4e-5 };

const guard = Math.fround(123.456);

function check(runtime: Runtime, algorithm: Algorithm, test: Case): void {
  const { outputs, inputs, kernel = [3, 3], height, width, batch = 1, stride = 1, upsample = false } = test;
  const { mask: kind = 'dense', mr, split = 0 } = test;
  const { arena } = runtime;
  const shape = { outputs, inputs, kernel };
  const size = outputs * inputs * kernel[0] * kernel[1];
  const mask = maskOf(kind, shape);
  const weight = uniform(2, size);
  const bias = test.bias ? uniform(3, outputs) : undefined;
  const x = uniform(4, batch * inputs * height * width);
  const padding = test.padding ?? [kernel[0] >> 1, kernel[1] >> 1, kernel[0] >> 1, kernel[1] >> 1];
  const affine = test.affine ? uniform(5, batch * 2 * inputs) : undefined;

  const seen = Float64Array.from(x, (value, i) => {
    if (!affine) return value;
    const [image, channel] = [Math.floor(i / (inputs * height * width)), Math.floor(i / (height * width)) % inputs];
    return silu(value * affine[2 * image * inputs + channel] + affine[(2 * image + 1) * inputs + channel]);
  });
  const [bigHeight, bigWidth] = upsample ? [2 * height, 2 * width] : [height, width];
  const enlarged = upsample
    ? Float64Array.from({ length: 4 * seen.length }, (_, i) => {
        const [plane, row, column] = [
          Math.floor(i / (bigHeight * bigWidth)),
          Math.floor(i / bigWidth) % bigHeight,
          i % bigWidth,
        ];
        return seen[(plane * height + (row >> 1)) * width + (column >> 1)];
      })
    : seen;
  const masked = weight.map((value, i) => (mask[i] ? value : 0));
  const naive = naiveConvolution(enlarged, masked, {
    ...{ outputs, inputs, kernel, batch, stride, padding },
    ...{ height: bigHeight, width: bigWidth },
  });
  const pixels = naive.outHeight * naive.outWidth;
  const residual = uniform(6, naive.y.length);
  const imageBias = test.imageBias ? uniform(8, batch * outputs) : undefined;
  for (let i = 0; i < naive.y.length; i++) {
    const plane = Math.floor(i / pixels);
    const extra = (imageBias?.[plane] ?? bias?.[plane % outputs] ?? 0) + (test.residual ? residual[i] : 0);
    naive.y[i] += extra;
    // The transforms of a whole tile round relative to its largest values, so one floor for all.
    naive.magnitude[i] = Math.max(naive.magnitude[i] + Math.abs(extra), inputs * 0.3 + 0.1);
  }

  const held = arena.usedBytes;
  const packed = packWeights(weight, shape, { mask, bias, mr });
  const layer = createConvolution(runtime, packed, { height, width, batch, stride, padding, upsample, algorithm });
  const channelsFirst = split || inputs;
  const part = (from: number, channels: number): Float32Array =>
    Float32Array.from({ length: batch * channels * height * width }, (_, i) => {
      const image = Math.floor(i / (channels * height * width));
      return x[(image * inputs + from) * height * width + (i - image * channels * height * width)];
    });
  const sources = [{ at: arena.upload(part(0, channelsFirst)), channels: channelsFirst }];
  if (split) sources.push({ at: arena.upload(part(split, inputs - split)), channels: inputs - split });
  const affineAt = affine ? arena.upload(affine) : 0;
  // 16 floats on each side that must stay as they are.
  const room = arena.upload(new Float32Array(layer.outputSize + 32).fill(guard));
  const y = room + 64;
  const other = test.residual === 'other' ? arena.upload(residual) : 0;
  if (test.residual === 'same') arena.f32(y, layer.outputSize).set(residual);
  const imageBiasAt = imageBias ? arena.upload(imageBias) : 0;
  layer.run(sources, y, {
    affine: affineAt,
    bias: imageBiasAt,
    silu: test.affine,
    residual: test.residual === 'same' ? y : other,
  });
  expect(layer.algorithm).toBe(algorithm);
  expectWithin(
    arena.f32(y, layer.outputSize),
    naive.y,
    naive.magnitude,
    bounds[algorithm],
    `${algorithm} ${JSON.stringify(test)}`,
  );
  expect(arena.f32(room, 16).every((value) => value === guard)).toBe(true);
  expect(arena.f32(y + 4 * layer.outputSize, 16).every((value) => value === guard)).toBe(true);
  layer.free();
  for (const pointer of [...sources.map(({ at }) => at), room, affineAt, other, imageBiasAt])
    if (pointer) arena.free(pointer);
  // What is left is the shared scratch.
  expect(arena.usedBytes - held).toBeLessThan(8e6);
}

function checkAll(test: Case, algorithms: readonly Algorithm[] = ['direct', 'winograd-f2', 'winograd-f4']): void {
  for (const runtime of runtimes) for (const algorithm of algorithms) check(runtime, algorithm, test);
}

describe('3x3 convolutions, direct, Winograd F2 and F4, against float64', () => {
  it.each([
    [8, 8],
    [16, 16],
    [4, 4],
    [12, 20],
    [7, 9],
    [5, 3],
    [1, 1],
    [2, 33],
  ])('pictures of %d x %d', (height, width) => {
    checkAll({ outputs: 8, inputs: 5, height, width, bias: true });
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 11])('%d outputs', (outputs) => {
    for (const mr of [1, 2, 4] as const) checkAll({ outputs, inputs: 6, height: 8, width: 8, mr, mask: 'single' });
  });

  it.each([1, 31, 65, 130, 200])('%d inputs, across blocks of channels', (inputs) => {
    checkAll({ outputs: 4, inputs, height: 8, width: 8, mask: 'blocks', bias: true, residual: 'same' });
  });

  it.each(['dense', 'nearly', '2:4', 'blocks', 'taps', 'pairs', 'single', 'ninety', 'nothing'] as const)(
    'masks: %s',
    (mask) => {
      checkAll({ outputs: 12, inputs: 16, height: 9, width: 12, mask, bias: true, residual: 'other' });
      checkAll({ outputs: 12, inputs: 16, height: 8, width: 16, mask });
      checkAll({ outputs: 12, inputs: 16, kernel: [1, 1], height: 8, width: 6, mask }, ['direct']);
    },
  );

  it('batches, which share tiles where pictures are small', () => {
    for (const [height, width] of [
      [4, 4],
      [8, 8],
      [6, 5],
      [16, 16],
    ]) {
      checkAll({ outputs: 6, inputs: 7, height, width, batch: 3, bias: true, residual: 'same' });
      checkAll({ outputs: 6, inputs: 7, height, width, batch: 2, bias: true });
    }
  });

  it('a bias for every image in place of its own', () => {
    for (const [height, width] of [
      [4, 4],
      [8, 8],
      [16, 16],
      [7, 5],
    ]) {
      const test = { outputs: 6, inputs: 7, height, width, batch: 3, bias: true, imageBias: true };
      checkAll(test);
      checkAll({ ...test, residual: 'same' });
      checkAll({ ...test, kernel: [1, 1] }, ['direct']);
    }
  });

  it('two sources, normalisation and SiLU on the way in', () => {
    for (const split of [0, 3, 8]) {
      checkAll({ outputs: 6, inputs: 13, height: 10, width: 8, batch: 2, affine: true, split, bias: true });
    }
  });

  it('pictures enlarged on the way in', () => {
    checkAll({ outputs: 5, inputs: 4, height: 5, width: 6, batch: 2, upsample: true, split: 1 });
  });
});

describe('other convolutions', () => {
  it('stride 2, padded all around or at the end as diffusers does', () => {
    for (const padding of [[1, 1, 1, 1] as const, [0, 0, 1, 1] as const]) {
      for (const [height, width] of [
        [16, 16],
        [8, 8],
        [9, 13],
        [32, 20],
      ]) {
        const test = { outputs: 6, inputs: 9, height, width, stride: 2, padding, batch: 2 } as const;
        checkAll({ ...test, bias: true, residual: 'other', mask: 'taps' }, ['direct']);
        checkAll({ ...test, mr: 1, mask: 'single' }, ['direct']);
      }
    }
  });

  it('kernels of other sizes', () => {
    for (const kernel of [
      [1, 3],
      [3, 1],
      [2, 2],
      [5, 5],
      [7, 7],
    ] as const) {
      checkAll({ outputs: 5, inputs: 3, kernel, height: 9, width: 11, bias: true }, ['direct']);
    }
    checkAll({ outputs: 5, inputs: 3, kernel: [1, 1], height: 9, width: 10, stride: 2, padding: [0, 0, 0, 0] }, [
      'direct',
    ]);
  });

  it('pointwise ones go by the linear kernels', () => {
    checkAll({ outputs: 9, inputs: 140, kernel: [1, 1], height: 9, width: 11, batch: 2, bias: true, affine: true }, [
      'direct',
    ]);
  });
});

describe('what is refused', () => {
  const runtime = () => runtimes[0];
  const packed = () => packWeights(uniform(1, 4 * 4 * 9), { outputs: 4, inputs: 4, kernel: [3, 3] });

  it('geometry that makes no sense', () => {
    const make = (options: Partial<ConvolutionOptions>) => () =>
      createConvolution(runtime(), packed(), { height: 8, width: 8, ...options });
    expect(make({ height: 0 })).toThrow(expect.objectContaining({ code: 'BAD_SHAPE', field: 'height' }));
    expect(make({ height: 1, padding: [0, 0, 0, 0] })).toThrow(expect.objectContaining({ code: 'BAD_SHAPE' }));
    expect(make({ stride: 3 as 2 })).toThrow(expect.objectContaining({ code: 'BAD_SHAPE', field: 'stride' }));
    expect(make({ stride: 2, algorithm: 'winograd-f4' })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', field: 'algorithm' }),
    );
  });

  it('sources that do not add up, SiLU without an affine, an affine with stride 2', () => {
    const layer = createConvolution(runtime(), packed(), { height: 8, width: 8, stride: 2 });
    const at = runtime().arena.alloc(4096);
    expect(() => layer.run({ at, channels: 3 }, at)).toThrow(
      expect.objectContaining({ code: 'BAD_SHAPE', field: 'x' }),
    );
    expect(() => layer.run({ at, channels: 4 }, at, { silu: true })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', field: 'silu' }),
    );
    expect(() => layer.run({ at, channels: 4 }, at, { affine: at })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', field: 'affine' }),
    );
    layer.free();
  });
});
