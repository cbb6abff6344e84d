import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readIdx } from '../src/index.js';
import { zooPath } from '../src/node.js';

const header = (...dims: number[]) => [
  0,
  0,
  8,
  dims.length,
  ...dims.flatMap((d) => [d >>> 24, (d >>> 16) & 255, (d >>> 8) & 255, d & 255]),
];
const small = Uint8Array.from([...header(2, 3), 1, 2, 3, 4, 5, 255]);

describe('readIdx', () => {
  it('reads shape and data, plain and gzipped', async () => {
    const expected = { shape: [2, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 255) };
    expect(await readIdx(small)).toEqual(expected);
    expect(await readIdx(gzipSync(small))).toEqual(expected);
  });

  it('reads the bundled images: 10,000 of 28×28', async () => {
    const { shape, data } = await readIdx(readFileSync(zooPath('fashion-mnist')));
    expect(shape).toEqual([10_000, 28, 28]);
    // Sum of the first image, computed from the file by another program.
    expect(data.subarray(0, 784).reduce((sum, value) => sum + value, 0)).toBe(33456);
  });

  it('returns what was written, for any array', async () => {
    const anyArray = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 4 }).chain((shape) => {
      const length = shape.reduce((size, dim) => size * dim, 1);
      return fc.tuple(fc.constant(shape), fc.uint8Array({ minLength: length, maxLength: length }), fc.boolean());
    });
    await fc.assert(
      fc.asyncProperty(anyArray, async ([shape, data, zipped]) => {
        const file = Uint8Array.from([...header(...shape), ...data]);
        expect(await readIdx(zipped ? gzipSync(file) : file)).toEqual({ shape, data });
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  it.each([
    ['another magic', Uint8Array.of(0, 0, 9, 1, 0, 0, 0, 0), 'begins with 00 00 09 01'],
    ['no axes', Uint8Array.of(0, 0, 8, 0), 'without axes'],
    ['a header cut short', small.subarray(0, 9), 'too short'],
    ['no bytes', new Uint8Array(0), 'too short'],
    ['too little data', small.subarray(0, small.length - 1), 'the file holds only 5'],
    ['too much data', Uint8Array.from([...small, 0]), 'the file holds more'],
    ['dims beyond any file', Uint8Array.from(header(0xffffffff, 0xffffffff)), 'at most 1073741824 are read'],
    ['a gzip stream cut short', gzipSync(small).subarray(0, 20), 'damaged or cut short'],
    [
      'a gzip stream with another checksum',
      gzipSync(small).map((byte, i, all) => (i === all.length - 6 ? byte ^ 1 : byte)),
      'damaged or cut short',
    ],
    [
      'far more gzipped data than the header says',
      gzipSync(Uint8Array.from([...small, ...new Uint8Array(1e6)])),
      'holds more',
    ],
  ])('refuses %s', async (_, bytes, message) => {
    await expect(readIdx(bytes, 'x.idx')).rejects.toMatchObject({
      code: 'BAD_FILE',
      file: 'x.idx',
      message: expect.stringContaining(message),
    });
  });
});
