import { describe, expect, it } from 'vitest';
import { layoutSafetensors } from '../src/index.js';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes.subarray(8));

describe('layoutSafetensors', () => {
  it('worked by hand', () => {
    const layout = layoutSafetensors(
      [
        { name: 'b', dtype: 'float16', shape: [3] },
        { name: 'c', dtype: 'float32', shape: [2, 2] },
        { name: 'a', dtype: 'float32', shape: [] },
      ],
      { metadata: { z: '1', format: 'pt' } },
    );
    const json =
      '{"__metadata__":{"format":"pt","z":"1"},' +
      '"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},' +
      '"c":{"dtype":"F32","shape":[2,2],"data_offsets":[4,20]},' +
      '"b":{"dtype":"F16","shape":[3],"data_offsets":[20,26]}}';
    const padded = json.padEnd(Math.ceil(json.length / 8) * 8);
    expect(text(layout.header)).toBe(padded);
    expect(layout.header.byteLength).toBe(8 + padded.length);
    const base = layout.header.byteLength;
    expect([...layout.tensors].map(([name, { offset, byteLength }]) => [name, offset - base, byteLength])).toEqual([
      ['a', 0, 4],
      ['c', 4, 16],
      ['b', 20, 6],
    ]);
    expect(layout.totalBytes).toBe(base + 26);
  });

  it('leaves the dtype of a tensor that keeps it', () => {
    const tensors = [
      { name: 'w', dtype: 'float32', shape: [4] },
      { name: 'waves', dtype: 'float32', shape: [2], keepsDtype: true },
    ] as const;
    const layout = layoutSafetensors(tensors, { dtype: 'float16' });
    expect([...layout.tensors].map(([name, { dtype }]) => [name, dtype])).toEqual([
      ['waves', 'float32'],
      ['w', 'float16'],
    ]);
  });

  it('counts and sorts by the dtype that is written', () => {
    const layout = layoutSafetensors(
      [
        { name: 'w', dtype: 'float32', shape: [4] },
        { name: 'n', dtype: 'int32', shape: [1] },
      ],
      { dtype: 'float16' },
    );
    expect(
      [...layout.tensors.values()].map(({ tensor, dtype, byteLength }) => [tensor.name, dtype, byteLength]),
    ).toEqual([
      ['n', 'int32', 4],
      ['w', 'float16', 8],
    ]);
  });

  it('has no tensors: `{}` and padding', () => {
    expect(text(layoutSafetensors([]).header)).toBe('{}      ');
  });

  it.each([
    [
      'a name twice',
      [
        { name: 'a', shape: [1] },
        { name: 'a', shape: [2] },
      ],
      /twice/,
    ],
    ['an empty name', [{ name: '', shape: [1] }], /empty/],
    ['the reserved name', [{ name: '__metadata__', shape: [1] }], /reserved/],
    ['half a surrogate pair', [{ name: 'a\ud800', shape: [1] }], /Unicode/],
    ['a negative dimension', [{ name: 'a', shape: [-1] }], /\[-1\]/],
    ['more bytes than can be counted', [{ name: 'a', shape: [2 ** 52] }], /4503599627370496/],
  ])('refuses %s', (_what, tensors, words) => {
    const typed = tensors.map((tensor) => ({ ...tensor, dtype: 'float32' as const }));
    expect(() => layoutSafetensors(typed)).toThrow(
      expect.objectContaining({ code: 'BAD_DATA', message: expect.stringMatching(words) }),
    );
  });
});
