import { describe, expect, it } from 'vitest';
import { analyse } from '../src/analyse.js';
import { maskOf } from './support/runtime.js';

describe('analyse', () => {
  it('counts what each kernel would do', () => {
    // Rows: x.. / x.. / .x. / ... and a fifth row .xx
    const weight = Float32Array.of(1, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 4, 5);
    const structure = analyse(weight, { outputs: 5, inputs: 3 });
    expect(structure.nonzeros).toBe(5);
    expect(structure.density).toBeCloseTo(5 / 15);
    // Four rows: columns 0 and 1 for all four, and two of the last row. Two rows: column 0 for two, column 1 for two, and two.
    expect(structure.work[4]).toBeCloseTo((8 + 2) / 15);
    expect(structure.work[2]).toBeCloseTo((2 + 2 + 2) / 15);
    expect(structure.work[1]).toBeCloseTo(5 / 15);
    expect(structure.winogradWork).toEqual(structure.work);
  });

  it('counts whole kernels for Winograd', () => {
    const weight = new Float32Array(4 * 2 * 9);
    weight[3] = 1; // output 0, input 0
    weight[9 + 9 * 2 + 5] = 1; // output 1, input 1
    const { work, winogradWork } = analyse(weight, { outputs: 4, inputs: 2, kernel: [3, 3] });
    expect(work).toEqual({ 1: 2 / 72, 2: 4 / 72, 4: 8 / 72 });
    expect(winogradWork).toEqual({ 1: 2 / 8, 2: 4 / 8, 4: 1 });
  });

  it('chooses rows by the mask', () => {
    const shape = { outputs: 16, inputs: 64 };
    const weight = new Float32Array(16 * 64).fill(1);
    const best = (kind: Parameters<typeof maskOf>[0]) => analyse(weight, shape, maskOf(kind, shape)).best;
    expect(best('dense')).toBe(4);
    expect(best('2:4')).toBe(4);
    expect(best('blocks')).toBe(4);
    expect(best('pairs')).toBe(2);
    expect(best('single')).toBe(1);
    expect(best('ninety')).toBe(1);
    expect(best('nothing')).toBe(4);
  });

  it('refuses NaN, infinity and lengths that disagree, but not what the mask removes', () => {
    const weight = Float32Array.of(1, Number.NaN, 2, Number.POSITIVE_INFINITY);
    const shape = { outputs: 2, inputs: 2 };
    expect(() => analyse(weight, shape)).toThrow(expect.objectContaining({ code: 'BAD_DATA', field: 'weight' }));
    expect(() => analyse(weight, shape, Uint8Array.of(1, 0, 1, 1))).toThrow(
      expect.objectContaining({ code: 'BAD_DATA' }),
    );
    expect(analyse(weight, shape, Uint8Array.of(1, 0, 1, 0)).nonzeros).toBe(2);
    expect(() => analyse(weight, { outputs: 3, inputs: 2 })).toThrow(expect.objectContaining({ code: 'BAD_SHAPE' }));
    expect(() => analyse(weight, shape, new Uint8Array(3))).toThrow(
      expect.objectContaining({ code: 'BAD_SHAPE', field: 'mask' }),
    );
    expect(() => analyse(weight, { outputs: 0, inputs: 2 })).toThrow(
      expect.objectContaining({ code: 'BAD_SHAPE', field: 'outputs' }),
    );
    expect(() => analyse(weight, { outputs: 1, inputs: 1, kernel: [9, 1] })).toThrow(
      expect.objectContaining({ code: 'BAD_SHAPE', field: 'kernel' }),
    );
  });
});
