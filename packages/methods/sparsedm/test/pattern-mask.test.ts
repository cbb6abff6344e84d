import { analyse } from '@secateur/sparse-wasm';
import { seededTensor } from '@secateur/testkit';
import type { Parameter } from '@secateur/train';
import { describe, expect, it } from 'vitest';
import { alwaysDense, isLeftDense, type PatternOptions, patternMask, patterns } from '../src/index.js';

const usual: PatternOptions = {
  pattern: '2:4',
  sharedRows: 1,
  wholeKernels: false,
  estimator: 'sr-ste',
  decay: 2e-4,
  progressive: false,
  dense: alwaysDense,
};

const convolution = (shape: readonly number[], name = 'conv1.weight'): Parameter => ({
  value: name,
  name,
  shape,
  inputAxis: 1,
  outputAxis: 0,
});

function masked(parameter: Parameter, options: Partial<PatternOptions>, seed = 1, step = 0): Uint8Array {
  const values = seededTensor(seed, parameter.shape).data as Float32Array;
  const mask = new Uint8Array(values.length);
  patternMask({ ...usual, ...options }, 10).write(parameter, values, mask, step);
  return mask;
}

/** Largest number of ones in a run of `m` input channels at one output and tap. */
function mostOfRun(mask: Uint8Array, [outputs, inputs, ...taps]: readonly number[], m: number): number[] {
  const nTaps = taps.reduce((a, b) => a * b, 1);
  const counts = new Set<number>();
  for (let o = 0; o < outputs; o++) {
    for (let t = 0; t < nTaps; t++) {
      for (let run = 0; run < inputs; run += m) {
        let count = 0;
        for (let i = run; i < run + m; i++) count += mask[(o * inputs + i) * nTaps + t];
        counts.add(count);
      }
    }
  }
  return [...counts];
}

describe('every run of M has N', () => {
  it.each(patterns)('%s', (pattern) => {
    const [n, m] = pattern.split(':').map(Number);
    const shape = [6, 32, 3, 3];
    for (const sharedRows of [1, 2, 4] as const) {
      for (const wholeKernels of [false, true]) {
        const mask = masked(convolution(shape), { pattern, sharedRows, wholeKernels });
        expect(mostOfRun(mask, shape, m)).toEqual([n]);
      }
    }
  });

  it('also of linears whose weight is stored [in, out]', () => {
    const linear: Parameter = { value: 'w', name: 'ff.weight', shape: [8, 6], inputAxis: 0, outputAxis: 1 };
    const values = seededTensor(1, [8, 6]).data as Float32Array;
    const turned = Float32Array.from({ length: 48 }, (_, at) => values[(at % 8) * 6 + Math.floor(at / 8)]);
    for (const sharedRows of [1, 4] as const) {
      const rule = patternMask({ ...usual, sharedRows }, 1);
      const [stored, plain] = [new Uint8Array(48), new Uint8Array(48)];
      rule.write(linear, values, stored, 0);
      rule.write(convolution([6, 8]), turned, plain, 0);
      expect(Array.from(stored, (_, at) => stored[(at % 8) * 6 + Math.floor(at / 8)])).toEqual(Array.from(plain));
    }
  });
});

describe('structures, by hand', () => {
  it('rows that share a pattern are ranked by the sum of their magnitudes', () => {
    // Two rows of four channels: sums 5, 5, 9, 3. Of the two fives the first stays.
    const values = Float32Array.of(-4, 1, 4, 3, 1, -4, -5, 0);
    const mask = new Uint8Array(8);
    patternMask({ ...usual, sharedRows: 2 }, 1).write(convolution([2, 4]), values, mask, 0);
    expect(Array.from(mask)).toEqual([1, 0, 1, 0, 1, 0, 1, 0]);
  });

  it('kernels stay or go whole, by the sum over their taps', () => {
    // One row, four kernels of two taps: sums 3, 4, 1, 5.
    const values = Float32Array.of(3, 0, -2, 2, 1, 0, 0, -5);
    const mask = new Uint8Array(8);
    patternMask({ ...usual, wholeKernels: true }, 1).write(convolution([1, 4, 1, 2]), values, mask, 0);
    expect(Array.from(mask)).toEqual([0, 0, 1, 1, 0, 0, 1, 1]);
  });

  it('rows that are left over share among themselves', () => {
    const shape = [6, 8, 3, 3];
    const mask = masked(convolution(shape), { sharedRows: 4 });
    const row = (o: number) => Array.from(mask.subarray(o * 72, (o + 1) * 72));
    for (const o of [1, 2, 3]) expect(row(o)).toEqual(row(0));
    expect(row(5)).toEqual(row(4));
    expect(row(4)).not.toEqual(row(0));
  });
});

describe('sparse-wasm sees', () => {
  const shape = { outputs: 8, inputs: 16, kernel: [3, 3] } as const;
  const structure = (options: Partial<PatternOptions>) => {
    const parameter = convolution([8, 16, 3, 3]);
    return analyse(seededTensor(1, parameter.shape).data as Float32Array, shape, masked(parameter, options));
  };

  it('half the work for single rows under the paper’s masks, and all of it for Winograd', () => {
    const { density, work, winogradWork } = structure({});
    expect(density).toBe(0.5);
    expect(work[1]).toBe(0.5);
    expect(work[4]).toBeGreaterThan(0.9);
    expect(winogradWork[1]).toBeGreaterThan(0.9);
  });

  it('half the work for four rows where they share their pattern', () => {
    const { work, best } = structure({ sharedRows: 4 });
    expect(work).toEqual({ 1: 0.5, 2: 0.5, 4: 0.5 });
    expect(best).toBe(4);
  });

  it('half the work for Winograd where kernels go whole, for four rows where they share that too', () => {
    expect(structure({ wholeKernels: true }).winogradWork[1]).toBe(0.5);
    expect(structure({ wholeKernels: true, sharedRows: 4 }).winogradWork).toEqual({ 1: 0.5, 2: 0.5, 4: 0.5 });
  });
});

describe('progressive sparsity', () => {
  it('passes through 7:8, 6:8, 5:8 and 4:8, a fifth of the steps each, and ends with the pattern', () => {
    const kept = (step: number) => {
      const mask = masked(convolution([4, 8]), { pattern: '1:4', progressive: true }, 1, step);
      return mask.reduce((sum, bit) => sum + bit, 0) / 4;
    };
    expect([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(kept)).toEqual([7, 7, 6, 6, 5, 5, 4, 4, 2, 2, 2]);
  });

  it('stays with the pattern where runs of 8 do not fit', () => {
    expect(masked(convolution([4, 12]), { progressive: true })).toEqual(masked(convolution([4, 12]), {}));
  });

  it('refuses a pattern that keeps more than it would', () => {
    expect(() => patternMask({ ...usual, pattern: '3:4', progressive: true }, 10)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', field: 'progressive' }),
    );
  });
});

describe('what stays dense', () => {
  it.each([
    ['conv_in.weight', true],
    ['conv_out.weight', true],
    ['m.conv_out.weight', true],
    ['down_blocks.0.attentions.0.proj_out.weight', false],
    ['time_embedding.linear_1.weight', true],
    ['down_blocks.0.resnets.0.time_emb_proj.weight', true],
    ['class_embedding.weight', true],
    ['pos_embed.proj.weight', true],
    ['transformer_blocks.0.norm1.linear.weight', true],
    ['proj_out_2.weight', true],
    ['down_blocks.0.resnets.0.conv1.weight', false],
    ['down_blocks.0.resnets.0.conv_shortcut.weight', false],
    ['down_blocks.0.downsamplers.0.conv.weight', false],
    ['mid_block.attentions.0.to_out.0.weight', false],
    ['transformer_blocks.0.ff.net.2.weight', false],
  ])('%s: %s', (name, expected) => {
    expect(isLeftDense(name, alwaysDense)).toBe(expected);
    expect(patternMask(usual, 1).covers(convolution([8, 8], name))).toBe(!expected);
  });

  it('is said with the reason', () => {
    const rule = patternMask(usual, 1);
    expect(rule.whyDense!(convolution([8, 6]))).toBe('6 input channels are no multiple of 4');
    expect(rule.whyDense!(convolution([8, 8], 'conv_in.weight'))).toBe('left out');
    expect(rule.whyDense!(convolution([8, 8]))).toBeUndefined();
  });
});
