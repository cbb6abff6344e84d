import { describe, expect, it } from 'vitest';
import { bfloatToFloat, castTensor, floatToBfloat, floatToHalf, halfToFloat, toFloat32 } from '../src/index.js';

describe('float16', () => {
  it.each([
    ['one', 0x3c00, 1],
    ['the largest', 0x7bff, 65504],
    ['the smallest normal', 0x0400, 2 ** -14],
    ['the largest subnormal', 0x03ff, 1023 * 2 ** -24],
    ['the smallest subnormal', 0x0001, 2 ** -24],
    ['a third, rounded', 0x3555, 1365 / 4096],
    ['minus two', 0xc000, -2],
    ['infinity', 0x7c00, Number.POSITIVE_INFINITY],
    ['minus infinity', 0xfc00, Number.NEGATIVE_INFINITY],
    ['minus zero', 0x8000, -0],
  ])('%s goes both ways', (_, bits, value) => {
    expect(halfToFloat(bits)).toBe(value);
    expect(floatToHalf(value)).toBe(bits);
  });

  it.each([
    ['ties to even, down', 1 + 2 ** -11, 0x3c00],
    ['ties to even, up', 1 + 3 * 2 ** -11, 0x3c02],
    ['just above a tie', 1 + 2 ** -11 + 2 ** -20, 0x3c01],
    ['carries into the exponent', 2 - 2 ** -12, 0x4000],
    ['overflow', 65520, 0x7c00],
    ['just below overflow', 65519, 0x7bff],
    ['far overflow', -1e30, 0xfc00],
    ['subnormal tie, to zero', 2 ** -25, 0x0000],
    ['just above a subnormal tie', 2 ** -25 * 1.001, 0x0001],
    ['subnormal tie, up to even', 3 * 2 ** -25, 0x0002],
    ['subnormal carried to normal', 1023.75 * 2 ** -24, 0x0400],
    ['underflow keeps the sign', -1e-30, 0x8000],
  ])('%s', (_, value, bits) => {
    expect(floatToHalf(value)).toBe(bits);
  });

  it('keeps NaN', () => {
    expect(halfToFloat(floatToHalf(Number.NaN))).toBeNaN();
  });

  it('returns every finite bit pattern', () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = halfToFloat(bits);
      if (!Number.isNaN(value) && floatToHalf(value) !== bits)
        expect.fail(`pattern ${bits} came back as ${floatToHalf(value)}`);
    }
    expect(halfToFloat(0x7e00)).toBeNaN();
  });
});

describe('bfloat16', () => {
  it.each([
    ['one', 1, 0x3f80],
    ['minus two', -2, 0xc000],
    ['infinity', Number.POSITIVE_INFINITY, 0x7f80],
    ['ties to even, down', 1 + 2 ** -8, 0x3f80],
    ['ties to even, up', 1 + 3 * 2 ** -8, 0x3f82],
    ['just above a tie', 1 + 2 ** -8 + 2 ** -20, 0x3f81],
    ['overflow', 3.4e38, 0x7f80],
    ['the smallest subnormal', 2 ** -133, 0x0001],
    ['minus zero', -0, 0x8000],
  ])('%s', (_, value, bits) => {
    expect(floatToBfloat(value)).toBe(bits);
  });

  it('returns every bit pattern that is a number', () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = bfloatToFloat(bits);
      if (!Number.isNaN(value) && floatToBfloat(value) !== bits)
        expect.fail(`pattern ${bits} came back as ${floatToBfloat(value)}`);
    }
    expect(bfloatToFloat(floatToBfloat(Number.NaN))).toBeNaN();
  });
});

describe('arrays of half precision', () => {
  // Every float32 that differs from its neighbours in what it rounds to: all upper halves, lower halves around ties.
  const bits = Uint32Array.from({ length: 65536 * 6 }, (_, i) => {
    const lower = [0x0000, 0x0fff, 0x1000, 0x1001, 0x8000, 0xf001][i % 6]!;
    return (Math.floor(i / 6) << 16) | lower;
  });
  const values = new Float32Array(bits.buffer);
  const all = { dtype: 'float32', shape: [values.length], data: values } as const;

  it.each([
    ['float16', floatToHalf],
    ['bfloat16', floatToBfloat],
  ] as const)('%s rounds as single numbers do', (dtype, one) => {
    const { data } = castTensor(all, dtype);
    const wrong = values.findIndex((value, i) => data[i] !== one(value) && !Number.isNaN(value));
    expect(wrong, `${values[wrong]} became ${data[wrong]}`).toBe(-1);
    const nan = values.findIndex(Number.isNaN);
    expect(toFloat32(castTensor({ ...all, shape: [1], data: values.slice(nan, nan + 1) }, dtype))[0]).toBeNaN();
  });

  it.each([
    ['float16', halfToFloat],
    ['bfloat16', bfloatToFloat],
  ] as const)('%s widens as single numbers do', (dtype, one) => {
    const patterns = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const { data } = castTensor({ dtype, shape: [65536], data: patterns }, 'float32');
    expect(patterns.findIndex((bits, i) => !Object.is(data[i], one(bits)))).toBe(-1);
  });
});
