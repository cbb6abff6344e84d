import fc from 'fast-check';
import { encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { decodePng, encodePng } from '../src/index.js';

const badFile = expect.objectContaining({ code: 'BAD_FILE', file: 'x.png' });

it('brings every picture of 1 to 4 channels back', () => {
  const picture = fc
    .record({
      width: fc.integer({ min: 1, max: 9 }),
      height: fc.integer({ min: 1, max: 9 }),
      channels: fc.integer({ min: 1, max: 4 }),
    })
    .chain((size) => {
      const length = size.width * size.height * size.channels;
      return fc.uint8Array({ minLength: length, maxLength: length }).map((data) => ({ ...size, data }));
    });
  fc.assert(
    fc.property(picture, (bitmap) => {
      expect(decodePng(encodePng([bitmap]))).toEqual(bitmap);
    }),
    { seed: 3, numRuns: 60 },
  );
});

it('writes a grid', () => {
  const dot = (value: number) => ({ width: 1, height: 1, channels: 1, data: Uint8Array.of(value) });
  const { width, data } = decodePng(encodePng([dot(1), dot(2)], { columns: 2, gap: 1 }));
  expect([width, ...data]).toEqual([3, 1, 255, 2]);
});

describe('other depths', () => {
  it('rounds 16 bits to 8', () => {
    const data = Uint16Array.of(0, 128, 129, 65535);
    expect([...decodePng(encode({ width: 4, height: 1, channels: 1, depth: 16, data })).data]).toEqual([0, 0, 1, 255]);
  });

  it('spreads greys of few bits, rows padded to bytes', () => {
    // Two rows of three 2-bit values: 0 1 2 and 3 0 1.
    const data = Uint8Array.of(0b00_01_10_00, 0b11_00_01_00);
    expect([...decodePng(encode({ width: 3, height: 2, channels: 1, depth: 2, data })).data]).toEqual([
      0, 85, 170, 255, 0, 85,
    ]);
  });

  it('looks palettes up', () => {
    const palette = [
      [9, 8, 7],
      [1, 2, 3],
    ];
    const png = encode({ width: 2, height: 1, channels: 1, depth: 8, data: Uint8Array.of(1, 0), palette });
    expect(decodePng(png)).toEqual({ width: 2, height: 1, channels: 3, data: Uint8Array.of(1, 2, 3, 9, 8, 7) });
  });
});

describe('bad files', () => {
  const good = encodePng([{ width: 4, height: 4, channels: 3, data: new Uint8Array(48).fill(7) }]);

  it.each([0, 10, 33, 45, 60])('cut to %d bytes', (length) => {
    expect(() => decodePng(good.slice(0, length), 'x.png')).toThrow(badFile);
  });

  it('with a wrong signature, a flipped bit, or a size that no one could hold', () => {
    for (const [at, value] of [
      [0, 0],
      [45, good[45] ^ 1],
    ]) {
      const bytes = good.slice();
      bytes[at] = value;
      expect(() => decodePng(bytes, 'x.png')).toThrow(badFile);
    }
    const huge = good.slice();
    new DataView(huge.buffer).setUint32(16, 2 ** 31 - 1);
    expect(() => decodePng(huge, 'x.png')).toThrow(badFile);
  });
});
