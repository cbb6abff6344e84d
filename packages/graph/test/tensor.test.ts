import { describe, expect, it } from 'vitest';
import {
  bytesOf,
  bytesPerElement,
  castTensor,
  type DType,
  float32,
  int64,
  isFloat,
  sizeOf,
  stridesOf,
  tensor,
  tensorFromBytes,
  toFloat32,
  toNumbers,
  zeros,
} from '../src/index.js';
import { lazyTensor } from '../src/tensor.js';

describe('castTensor', () => {
  const from = float32([4], [1.5, -1.5, 0, 300]);

  it.each<[DType, number[]]>([
    ['float64', [1.5, -1.5, 0, 300]],
    ['float16', [0x3e00, 0xbe00, 0, 0x5cb0]],
    ['bfloat16', [0x3fc0, 0xbfc0, 0, 0x4396]],
    ['int32', [1, -1, 0, 300]],
    ['int64', [1, -1, 0, 300]],
    ['bool', [1, 1, 0, 1]],
  ])('to %s', (dtype, values) => {
    const cast = castTensor(from, dtype);
    expect([cast.dtype, cast.shape, Array.from(cast.data, Number)]).toEqual([dtype, [4], values]);
  });

  it('from half to half through the values, not the bits', () => {
    const half = castTensor(from, 'float16');
    expect(castTensor(half, 'bfloat16')).toEqual(castTensor(from, 'bfloat16'));
    expect(toFloat32(castTensor(half, 'float32'))).toEqual(toFloat32(from));
  });

  it('from int64 truncates nothing that a double can hold', () => {
    expect([...castTensor(int64([2 ** 40, -3]), 'float64').data]).toEqual([2 ** 40, -3]);
  });

  it('returns the tensor itself when there is nothing to do', () => {
    expect(castTensor(from, 'float32')).toBe(from);
  });
});

describe('tensorFromBytes', () => {
  const bytes = Uint8Array.of(9, 0, 0, 128, 63, 0, 0, 0, 64);

  it('looks into aligned bytes without a copy', () => {
    const aligned = bytes.slice(1);
    const value = tensorFromBytes('float32', [2], aligned);
    expect([...value.data]).toEqual([1, 2]);
    expect(value.data.buffer).toBe(aligned.buffer);
  });

  it('copies an unaligned view, also one of Node’s Buffer, whose slice() does not', () => {
    const buffer = Buffer.from(bytes.buffer);
    for (const view of [bytes.subarray(1), buffer.subarray(1)]) {
      expect(view.byteOffset % 4).toBe(1);
      expect([...tensorFromBytes('float32', [2], view).data]).toEqual([1, 2]);
    }
  });

  it('refuses bytes of another length, with both numbers', () => {
    expect(() => tensorFromBytes('int64', [2], bytes)).toThrow(/needs 16 bytes; 9 given/);
  });

  it('is the inverse of bytesOf for every dtype', () => {
    const dtypes: DType[] = [
      'float32',
      'float16',
      'bfloat16',
      'float64',
      'int8',
      'uint8',
      'int16',
      'uint16',
      'int32',
      'uint32',
      'int64',
      'uint64',
      'bool',
    ];
    for (const dtype of dtypes) {
      const value = castTensor(float32([3], [1, 0, 1]), dtype);
      expect(tensorFromBytes(dtype, [3], bytesOf(value))).toEqual(value);
      expect(bytesOf(value)).toHaveLength(3 * bytesPerElement(dtype));
    }
  });
});

describe('shapes', () => {
  it('give sizes and strides', () => {
    expect([sizeOf([2, 3, 4]), sizeOf([]), sizeOf([2, 0])]).toEqual([24, 1, 0]);
    expect(stridesOf([2, 3, 4])).toEqual([12, 4, 1]);
    expect(stridesOf([])).toEqual([]);
  });

  it('must hold the elements given', () => {
    expect(() => tensor('int8', [2, 2], new Int8Array(3))).toThrow(/holds 4 elements; 3 given/);
    expect(() => float32([2], [1])).toThrow(expect.objectContaining({ code: 'SHAPE_MISMATCH' }));
  });
});

describe('small makers', () => {
  it('zeros, int64, toNumbers, isFloat', () => {
    expect(zeros('int64', [2])).toEqual(int64([0, 0]));
    expect(int64([5], [])).toMatchObject({ shape: [], data: BigInt64Array.of(5n) });
    expect(toNumbers(castTensor(float32([2], [0.5, -2]), 'float16'))).toEqual([0.5, -2]);
    expect(toNumbers(int64([-7]))).toEqual([-7]);
    expect((['float16', 'float64', 'int8', 'bool'] as const).map(isFloat)).toEqual([true, true, false, false]);
  });

  it('lazyTensor makes its elements once, when they are first read', () => {
    let made = 0;
    const value = lazyTensor('float32', [2], () => {
      made++;
      return Float32Array.of(1, 2);
    });
    expect([value.dtype, value.shape, made]).toEqual(['float32', [2], 0]);
    expect(value.data).toBe(value.data);
    expect(made).toBe(1);
    expect({ ...value }).toEqual(float32([2], [1, 2]));
  });
});

describe('castTensor to 64-bit integers', () => {
  it('saturates infinities, and takes NaN for 0', () => {
    const x = float32([4], [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, -1.5]);
    expect(castTensor(x, 'int64').data).toEqual(BigInt64Array.of(2n ** 63n - 1n, -(2n ** 63n), 0n, -1n));
    expect(castTensor(x, 'uint64').data).toEqual(BigUint64Array.of(2n ** 64n - 1n, 0n, 0n, 0n));
  });
});
