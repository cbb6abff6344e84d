import { seededRandom } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { SparseWasmError } from '../src/errors.js';
import { packWeights } from '../src/pack-weights.js';
import type { PackedWeights } from '../src/packed-weights.js';
import { parsePacked, serialisePacked } from '../src/serialise.js';
import { maskOf, uniform } from './support/runtime.js';

const shape = { outputs: 7, inputs: 6, kernel: [3, 3] as const };
const convolution = (): PackedWeights => ({
  ...packWeights(uniform(1, 7 * 6 * 9), shape, { mask: maskOf('taps', shape), bias: uniform(2, 7), mr: 4 }),
  algorithm: 'winograd-f4',
});
const linear = (type: 'i16' | 's8') => packWeights(uniform(1, 6 * 9), { outputs: 6, inputs: 9 }, { type });

/** Byte offsets of header fields. */
const header = { magic: 0, version: 4, length: 8, type: 12, outputs: 16, inputs: 20, mr: 32, algorithm: 36, bias: 40 };

/** The bytes of a convolution with one word changed. */
function damaged(at: number, value: number, packed: PackedWeights = convolution()): Uint8Array {
  const bytes = serialisePacked(packed);
  new DataView(bytes.buffer).setUint32(at, value, true);
  return bytes;
}

const refusal = (field: string) => expect.objectContaining({ code: 'BAD_FILE', field });

describe('serialisePacked and parsePacked', () => {
  it.each([
    ['a convolution with bias and algorithm', convolution],
    ['i16', () => linear('i16')],
    ['s8', () => linear('s8')],
    ['single rows', () => packWeights(uniform(3, 15), { outputs: 3, inputs: 5 }, { mr: 1 })],
    ['nothing left', () => packWeights(new Float32Array(20), { outputs: 4, inputs: 5 })],
    ['more than 65536 positions', () => packWeights(uniform(3, 70000), { outputs: 1, inputs: 10000, kernel: [7, 1] })],
  ])('give back %s', (_label, make) => {
    const packed = make();
    const bytes = serialisePacked(packed);
    expect(parsePacked(bytes)).toEqual({ ...packed, algorithm: packed.algorithm });
    // From the middle of a larger buffer, not aligned.
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(parsePacked(shifted.subarray(3))).toEqual(parsePacked(bytes));
  });

  it('refuse headers that say what cannot be', () => {
    expect(() => parsePacked(new Uint8Array(10))).toThrow(refusal('length'));
    expect(() => parsePacked(damaged(header.magic, 1))).toThrow(refusal('magic'));
    expect(() => parsePacked(damaged(header.version, 2))).toThrow(refusal('version'));
    expect(() => parsePacked(damaged(header.length, 99))).toThrow(refusal('length'));
    expect(() => parsePacked(damaged(header.type, 3))).toThrow(refusal('type'));
    expect(() => parsePacked(damaged(header.type, 1))).toThrow(refusal('type'));
    expect(() => parsePacked(damaged(header.outputs, 0))).toThrow(refusal('outputs'));
    expect(() => parsePacked(damaged(header.outputs, 0xffffffff))).toThrow(refusal('outputs'));
    expect(() => parsePacked(damaged(header.inputs, 70000))).toThrow(refusal('inputs'));
    expect(() => parsePacked(damaged(header.mr, 3))).toThrow(refusal('mr'));
    expect(() => parsePacked(damaged(header.algorithm, 9))).toThrow(refusal('algorithm'));
    expect(() => parsePacked(damaged(header.algorithm, 2, linearF32()))).toThrow(refusal('algorithm'));
    expect(() => parsePacked(damaged(header.bias, 2))).toThrow(refusal('bias'));
  });

  const linearF32 = () => packWeights(uniform(1, 8), { outputs: 4, inputs: 2 }, { mr: 4 });

  it('refuse positions outside, that fall, or that are more than there can be', () => {
    // 4 x 2: header of 44 bytes, rowPtr [0, 2], index [0, 1] as u16, values.
    expect(() => parsePacked(damaged(44, 1, linearF32()))).toThrow(refusal('rowPtr'));
    expect(() => parsePacked(damaged(48, 3, linearF32()))).toThrow(refusal('rowPtr'));
    expect(() => parsePacked(damaged(52, 2 << 16, linearF32()))).toThrow(refusal('index'));
    expect(() => parsePacked(damaged(52, 0x00010001, linearF32()))).toThrow(refusal('index'));
    expect(() => parsePacked(damaged(48, 1, linearF32()))).toThrow(SparseWasmError);
    expect(() => parsePacked(damaged(56, 0x7fc00000, linearF32()))).toThrow(refusal('values'));
  });

  it('refuse integer rows whose sums could overflow', () => {
    const inputs = 4000;
    const packed = packWeights(new Float32Array(4 * inputs).fill(1), { outputs: 4, inputs }, { type: 'i16' });
    (packed.segments[0].values as Int16Array).fill(32767);
    expect(() => parsePacked(serialisePacked(packed))).toThrow(refusal('values'));
  });

  it('refuse every file that is cut short, and whatever bytes are changed either parse to something valid or are refused', () => {
    const bytes = serialisePacked(convolution());
    for (let length = 0; length < bytes.length; length += 7) {
      expect(() => parsePacked(bytes.slice(0, length))).toThrow(expect.objectContaining({ code: 'BAD_FILE' }));
    }
    const random = seededRandom(3);
    for (let i = 0; i < 2000; i++) {
      const changed = bytes.slice();
      changed[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      try {
        const { segments, inputs, kernel } = parsePacked(changed);
        for (const { index } of segments) for (const p of index) expect(p).toBeLessThan(inputs * kernel[0] * kernel[1]);
      } catch (error) {
        expect(error).toMatchObject({ code: 'BAD_FILE' });
      }
    }
  });
});
