import { describe, expect, it } from 'vitest';
import { type Constant, constantOf, float32, int64, sliceConstant, sliceTensor, tensor } from '../../src/index.js';

describe('sliceTensor', () => {
  it('keeps indices along several axes, in order', () => {
    const x = float32([2, 3, 2], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(
      sliceTensor(
        x,
        new Map([
          [1, [0, 2]],
          [2, [1]],
        ]),
      ),
    ).toEqual(float32([2, 2, 1], [1, 5, 7, 11]));
  });

  it('keeps the dtype, bit patterns and bigints included', () => {
    const half = tensor('float16', [3], Uint16Array.of(0x3c00, 0x7bff, 0x8000));
    expect(sliceTensor(half, new Map([[0, [1, 2]]]))).toEqual(tensor('float16', [2], Uint16Array.of(0x7bff, 0x8000)));
    expect(sliceTensor(int64([7, 8, 9]), new Map([[0, [2]]]))).toEqual(int64([9]));
  });

  it('shares nothing with the tensor given', () => {
    const x = float32([2], [1, 2]);
    expect(sliceTensor(x, new Map([[0, [0, 1]]])).data).not.toBe(x.data);
  });
});

describe('sliceConstant', () => {
  const kept = new Map([[1, [0, 2]]]);

  it('moves the cut to the checkpoint’s axes', () => {
    const stored = constantOf(float32([2, 3], [1, 2, 3, 4, 5, 6]), { name: 'w', shape: [3, 2], axes: [1, 0] });
    const cut = sliceConstant(stored, kept);
    expect([cut.shape, cut.parameter]).toEqual([[2, 2], { name: 'w', shape: [2, 2], axes: [1, 0] }]);
  });

  it('leaves an axis of the checkpoint that the constant lacks as it is', () => {
    const stored = constantOf(float32([1, 3], [1, 2, 3]), { name: 'n', shape: [3], axes: [null, 0] });
    expect(sliceConstant(stored, kept).parameter!.shape).toEqual([2]);
  });

  it('reads and cuts a constant in a file only when asked', async () => {
    let reads = 0;
    const stored: Constant = {
      dtype: 'float32',
      shape: [2, 3],
      read: async () => {
        reads++;
        return float32([2, 3], [1, 2, 3, 4, 5, 6]);
      },
      location: { file: 'model.safetensors', offset: 0, byteLength: 24 },
    };
    const cut = sliceConstant(stored, kept);
    expect([cut.value, cut.location, reads]).toEqual([undefined, undefined, 0]);
    expect(await cut.read()).toEqual(float32([2, 2], [1, 3, 4, 6]));
    expect(reads).toBe(1);
  });

  it('cuts a constant in memory once, when its elements are first read', async () => {
    const cut = sliceConstant(constantOf(float32([2, 3], [1, 2, 3, 4, 5, 6])), kept);
    expect(cut.value!.data).toBe(cut.value!.data);
    expect((await cut.read()).data).toBe(cut.value!.data);
    expect(cut.value).toEqual(float32([2, 2], [1, 3, 4, 6]));
  });
});
