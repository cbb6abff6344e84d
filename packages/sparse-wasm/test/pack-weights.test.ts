import { describe, expect, it } from 'vitest';
import { packWeights } from '../src/pack-weights.js';
import { positionsOf } from '../src/packed-weights.js';

describe('packWeights', () => {
  it('cuts rows into segments and leaves zeros out', () => {
    // 7 rows of 3: segments of 4, 2 and 1.
    const weight = Float32Array.from({ length: 21 }, (_, i) => i + 1);
    const mask = Uint8Array.from({ length: 21 }, (_, i) => (i % 3 === 1 ? 0 : 1));
    const packed = packWeights(weight, { outputs: 7, inputs: 3 }, { mask, mr: 4 });
    expect(packed.segments.map(({ mr, row, groups }) => [mr, row, groups])).toEqual([
      [4, 0, 1],
      [2, 4, 1],
      [1, 6, 1],
    ]);
    const [four, two, one] = packed.segments;
    expect([...four.index]).toEqual([0, 2]);
    expect([...four.values]).toEqual([1, 4, 7, 10, 3, 6, 9, 12]);
    expect([...two.values]).toEqual([13, 16, 15, 18]);
    expect([...one.values]).toEqual([19, 21]);
    expect(positionsOf(packed)).toBe(6);
  });

  it('keeps all positions of a pointwise layer of which less than a tenth is zero', () => {
    const weight = new Float32Array(4 * 20).fill(1);
    const without = (channels: number): Uint8Array => Uint8Array.from(weight, (_, i) => (i % 20 < channels ? 0 : 1));
    const pack = (channels: number) =>
      packWeights(weight, { outputs: 4, inputs: 20 }, { mask: without(channels), mr: 4 });
    expect(positionsOf(pack(3))).toBe(17);
    expect(positionsOf(pack(2))).toBe(20);
    expect([...pack(2).segments[0].values.subarray(0, 12)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1]);
  });

  it('indexes taps of kernels, and keeps zeros that share a position', () => {
    const weight = new Float32Array(4 * 2 * 9);
    weight[9 + 4] = 5; // output 0, input 1, middle
    const { segments } = packWeights(weight, { outputs: 4, inputs: 2, kernel: [3, 3] }, { mr: 4 });
    expect([...segments[0].index]).toEqual([13]);
    expect([...segments[0].values]).toEqual([5, 0, 0, 0]);
    expect([...segments[0].rowPtr]).toEqual([0, 1]);
  });

  it('writes zero for what the mask removes beside what it keeps, NaN included', () => {
    const weight = Float32Array.of(1, Number.NaN, 3, 4);
    const mask = Uint8Array.of(1, 0, 1, 1);
    const { segments } = packWeights(weight, { outputs: 4, inputs: 1 }, { mask, mr: 4 });
    expect([...segments[0].values]).toEqual([1, 0, 3, 4]);
  });

  it('pairs inputs for i16, with one scale a row', () => {
    const weight = Float32Array.of(1, -0.25, 0, 0, 0.25, /* row 1 */ 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 4, 4, 4, 4, 4);
    const { segments, rowScale } = packWeights(weight, { outputs: 4, inputs: 5 }, { type: 'i16' });
    expect([...segments[0].index]).toEqual([0, 1, 2]);
    expect([...segments[0].values.subarray(0, 8)]).toEqual([1023, -256, 0, 0, 0, 0, 1023, 1023]);
    expect([...rowScale!].map((scale) => scale * 1023)).toEqual([1, 0, 2, 4].map((x) => expect.closeTo(x, 5)));
  });

  it('keeps the sums of long integer rows within 32 bits', () => {
    const inputs = 4000;
    const { segments } = packWeights(new Float32Array(inputs).fill(1), { outputs: 1, inputs }, { type: 'i16' });
    const total = Array.from(segments[0].values, Math.abs).reduce((sum, value) => sum + value, 0);
    expect(total * 2047).toBeLessThan(2 ** 31);
    expect(total * 2047).toBeGreaterThan(2 ** 30);
  });

  it('refuses a bias of another length or that is not finite', () => {
    const pack = (bias: Float32Array) => () => packWeights(new Float32Array(4), { outputs: 2, inputs: 2 }, { bias });
    expect(pack(new Float32Array(3))).toThrow(expect.objectContaining({ code: 'BAD_SHAPE', field: 'bias' }));
    expect(pack(Float32Array.of(0, Number.NaN))).toThrow(expect.objectContaining({ code: 'BAD_DATA', field: 'bias' }));
  });
});
