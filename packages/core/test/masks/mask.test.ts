import { describe, expect, it } from 'vitest';
import { applyMask, countKept, isKept, maskFrom, sparsityOf } from '../../src/index.js';
import { applyMaskInPlace } from '../../src/masks/mask.js';

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
  it('counts bytes of any number and alignment', () => {
    const bits = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    for (const from of [0, 1, 2, 3]) {
      for (const to of [from, from + 1, from + 3, 8, 253, 256]) {
        const some = bits.subarray(from, to);
        const ones = [...some].map((byte) => byte.toString(2).replaceAll('0', '').length);
        expect(countKept({ shape: [8 * some.length], bits: some })).toBe(ones.reduce((sum, n) => sum + n, 0));
      }
    }
  });
  it('zeroes a copy and leaves the given values alone', () => {
    const values = Float32Array.from({ length: 9 }, (_, i) => i + 1);
    expect(Array.from(applyMask(mask, values))).toEqual([1, 0, 3, 0, 5, 0, 7, 0, 9]);
    expect(values[1]).toBe(2);
  });
  it.each([Uint16Array, Float32Array, Float64Array])('zeroes %o of any length and alignment', (Kind) => {
    for (const length of [0, 7, 8, 21, 70_003]) {
      const keep = (element: number) => element % 3 !== 1;
      for (const start of [0, 1]) {
        const values = new Kind(length + 2).fill(5).subarray(start, start + length);
        const expected = values.map((value, i) => (keep(i) ? value : 0));
        expect(applyMask(maskFrom([length], keep), values)).toEqual(expected);
        applyMaskInPlace(maskFrom([length], keep), values);
        expect(values).toEqual(expected);
        expect(new Kind(values.buffer)[start + length]).toBe(5);
      }
    }
  });
  it('refuses a tensor of another size', () => {
    expect(() => applyMask(mask, new Float32Array(8))).toThrowError(
      expect.objectContaining({ code: 'SHAPE_MISMATCH' }),
    );
  });
});
