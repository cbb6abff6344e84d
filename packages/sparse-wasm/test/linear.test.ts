import { beforeAll, describe, expect, it } from 'vitest';
import { createLinear } from '../src/linear.js';
import { packWeights } from '../src/pack-weights.js';
import type { PackedType } from '../src/packed-weights.js';
import type { Runtime } from '../src/runtime.js';
import { buildTimeout } from './support/modules.js';
import { expectWithin, naiveConvolution } from './support/naive.js';
import { type MaskKind, maskOf, testRuntime, uniform } from './support/runtime.js';

let runtimes: Runtime[];
beforeAll(async () => {
  runtimes = [await testRuntime('simd'), await testRuntime('relaxed')];
}, buildTimeout);

interface Case {
  outputs: number;
  inputs: number;
  tokens: number;
  batch?: number;
  mask?: MaskKind;
  mr?: 1 | 2 | 4;
  residual?: boolean;
  affine?: boolean;
  split?: number;
}

const guard = Math.fround(123.456);

/** Runs a layer and gives its result with what float64 says. */
function runLinear(runtime: Runtime, type: PackedType, test: Case) {
  const { outputs, inputs, tokens, batch = 1, mask: kind = 'dense', mr, split = 0 } = test;
  const { arena } = runtime;
  const mask = maskOf(kind, { outputs, inputs });
  const weight = uniform(2, outputs * inputs);
  const bias = uniform(3, outputs);
  const x = uniform(4, batch * inputs * tokens);
  const affine = test.affine ? uniform(5, batch * 2 * inputs) : undefined;
  const seen = Float64Array.from(x, (value, i) => {
    if (!affine) return value;
    const [image, channel] = [Math.floor(i / (inputs * tokens)), Math.floor(i / tokens) % inputs];
    return value * affine[2 * image * inputs + channel] + affine[(2 * image + 1) * inputs + channel];
  });
  const naive = naiveConvolution(
    seen,
    weight.map((value, i) => (mask[i] ? value : 0)),
    { outputs, inputs, kernel: [1, 1], height: 1, width: tokens, batch, stride: 1, padding: [0, 0, 0, 0] },
  );
  const residual = uniform(6, naive.y.length);
  for (let i = 0; i < naive.y.length; i++) {
    naive.y[i] += bias[Math.floor(i / tokens) % outputs] + (test.residual ? residual[i] : 0);
    naive.magnitude[i] += 2;
  }
  const layer = createLinear(runtime, packWeights(weight, { outputs, inputs }, { mask, bias, mr, type }), {
    tokens,
    batch,
  });
  const part = (from: number, channels: number): Float32Array =>
    Float32Array.from({ length: batch * channels * tokens }, (_, i) => {
      const image = Math.floor(i / (channels * tokens));
      return x[(image * inputs + from) * tokens + (i - image * channels * tokens)];
    });
  const sources = [{ at: arena.upload(part(0, split || inputs)), channels: split || inputs }];
  if (split) sources.push({ at: arena.upload(part(split, inputs - split)), channels: inputs - split });
  const room = arena.upload(new Float32Array(layer.outputSize + 32).fill(guard));
  const y = room + 64;
  if (test.residual) arena.f32(y, layer.outputSize).set(residual);
  const affineAt = affine ? arena.upload(affine) : 0;
  layer.run(sources, y, { residual: test.residual ? y : 0, affine: affineAt });
  const result = arena.f32(y, layer.outputSize).slice();
  expect(arena.f32(room, 16).every((value) => value === guard)).toBe(true);
  expect(arena.f32(y + 4 * layer.outputSize, 16).every((value) => value === guard)).toBe(true);
  layer.free();
  for (const pointer of [...sources.map(({ at }) => at), room, affineAt]) if (pointer) arena.free(pointer);
  return { result, ...naive };
}

const cases: readonly Case[] = [
  { outputs: 4, inputs: 3, tokens: 1 },
  { outputs: 1, inputs: 1, tokens: 7 },
  { outputs: 7, inputs: 130, tokens: 64, residual: true },
  { outputs: 6, inputs: 128, tokens: 65, batch: 2, residual: true },
  { outputs: 9, inputs: 33, tokens: 257, affine: true },
  { outputs: 16, inputs: 20, tokens: 100, batch: 3, split: 7, affine: true },
  { outputs: 5, inputs: 260, tokens: 40, split: 129, mask: 'single' },
];

describe('f32, against float64', () => {
  // Within (n + 3) half units of the sum of magnitudes, n <= 260; in practice a tenth of it.
  it.each(cases)('$outputs x $inputs on $tokens tokens', (test) => {
    for (const runtime of runtimes) {
      for (const mr of [undefined, 1, 2, 4] as const) {
        const { result, y, magnitude } = runLinear(runtime, 'f32', { ...test, mr });
        expectWithin(result, y, magnitude, 2e-6, JSON.stringify(test));
      }
    }
  });

  it.each(['2:4', 'blocks', 'pairs', 'single', 'ninety', 'nothing'] as const)('masks: %s', (mask) => {
    for (const runtime of runtimes) {
      const { result, y, magnitude } = runLinear(runtime, 'f32', { outputs: 14, inputs: 70, tokens: 90, mask });
      expectWithin(result, y, magnitude, 2e-6, mask);
    }
  });
});

describe('integers, against float64', () => {
  /** Root mean square of the error over that of the result. */
  const relative = (actual: Float32Array, expected: Float64Array): number => {
    let [error, size] = [0, 0];
    for (const [i, value] of expected.entries()) {
      error += (actual[i] - value) ** 2;
      size += value ** 2;
    }
    return Math.sqrt(error / size);
  };

  // Uniform values have a rounding error of step / sqrt(12) and a size of range / sqrt(12): 1 / 1023 and 1 / 2047 of a range of 2
  // give 6e-4 together; 1 / 127 and 1 / 63 give 1e-2. Doubled, since single rows and tokens deviate.
  it.each(cases)('$outputs x $inputs on $tokens tokens', (test) => {
    for (const runtime of runtimes) {
      const { result, y } = runLinear(runtime, 'i16', test);
      expect(relative(result, y)).toBeLessThan(1.2e-3);
      if (!runtime.hasRelaxedDot) continue;
      const eight = runLinear(runtime, 's8', test);
      expect(relative(eight.result, eight.y)).toBeLessThan(2e-2);
    }
  });

  it('2:4 masks', () => {
    const { result, y } = runLinear(runtimes[0], 'i16', {
      outputs: 16,
      inputs: 64,
      tokens: 70,
      mask: '2:4',
      residual: true,
    });
    expect(relative(result, y)).toBeLessThan(1.2e-3);
  });

  it('do not overflow on the longest rows of the largest weights', () => {
    const [inputs, tokens] = [5120, 16];
    const { arena } = runtimes[0];
    const packed = packWeights(new Float32Array(4 * inputs).fill(1), { outputs: 4, inputs }, { type: 'i16' });
    const layer = createLinear(runtimes[0], packed, { tokens });
    const x = arena.upload(new Float32Array(inputs * tokens).fill(1));
    const y = arena.alloc(4 * layer.outputSize);
    layer.run({ at: x, channels: inputs }, y);
    for (const value of arena.f32(y, layer.outputSize)) expect(Math.abs(value / inputs - 1)).toBeLessThan(2e-3);
    layer.free();
  });

  it('are refused for convolutions, above 8192 inputs, and in eight bits where there are no such products', () => {
    const pack = (inputs: number, type: PackedType) =>
      packWeights(new Float32Array(4 * inputs), { outputs: 4, inputs }, { type });
    expect(() => packWeights(new Float32Array(36), { outputs: 4, inputs: 1, kernel: [3, 3] }, { type: 'i16' })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', field: 'type' }),
    );
    expect(() => createLinear(runtimes[0], pack(8193, 'i16'), { tokens: 4 })).toThrow(
      expect.objectContaining({ code: 'BAD_SHAPE', field: 'inputs' }),
    );
    expect(() => createLinear(runtimes[0], pack(8, 's8'), { tokens: 4 })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', field: 'type' }),
    );
  });
});

it('takes no layer with a kernel, and no empty sizes', () => {
  const packed = packWeights(new Float32Array(36), { outputs: 4, inputs: 1, kernel: [3, 3] });
  expect(() => createLinear(runtimes[0], packed, { tokens: 4 })).toThrow(
    expect.objectContaining({ code: 'BAD_SHAPE' }),
  );
  const linear = packWeights(new Float32Array(4), { outputs: 4, inputs: 1 });
  expect(() => createLinear(runtimes[0], linear, { tokens: 0 })).toThrow(
    expect.objectContaining({ code: 'BAD_SHAPE', field: 'tokens' }),
  );
});
