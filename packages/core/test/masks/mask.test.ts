import { describe, expect, it } from 'vitest';
import { applyMask, countKept, isKept, maskFrom, sparsityOf } from '../../src/index.js';

describe('Mask', () => {
  const mask = maskFrom([3, 3], (element) => element % 2 === 0);
  it('packs one bit an element, lowest bit first', () => {
    expect(Array.from(mask.bits)).toEqual([0b01010101, 0b1]);
    expect([isKept(mask, 2), isKept(mask, 3)]).toEqual([true, false]);
  });
  it('counts', () => {
    expect(countKept(mask)).toBe(5);
    expect(sparsityOf(mask)).toBeCloseTo(4 / 9, 15);
  });
  it('zeroes a copy and leaves the given values alone', () => {
    const values = Float32Array.from({ length: 9 }, (_, i) => i + 1);
    expect(Array.from(applyMask(mask, values))).toEqual([1, 0, 3, 0, 5, 0, 7, 0, 9]);
    expect(values[1]).toBe(2);
  });
  it('refuses a tensor of another size', () => {
    expect(() => applyMask(mask, new Float32Array(8))).toThrowError(
      expect.objectContaining({ code: 'SHAPE_MISMATCH' }),
    );
  });
});
