import { readFileSync } from 'node:fs';
import { bytesSource, memoryFolder } from '@secateur/core';
import { encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { fashionImages, readImages } from '../src/index.js';
import { zooPath } from '../src/node.js';

const grey = (...data: number[]) => encode({ width: 2, height: 2, channels: 1, depth: 8, data: Uint8Array.from(data) });
const colour = (data: number[], channels = 3) =>
  encode({ width: 2, height: 1, channels, depth: 8, data: Uint8Array.from(data) });
const greySize = { channels: 1, height: 2, width: 2 };
const colourSize = { channels: 3, height: 1, width: 2 };
const scaled = (...pixels: number[]) => Float32Array.from(pixels, (pixel) => Math.fround(pixel / 127.5) - 1);

describe('readImages on PNGs', () => {
  it('reads a folder in order of path, scaled to [-1, 1], and only pictures', async () => {
    const folder = memoryFolder({
      'b.png': grey(255, 0, 51, 102),
      'a/z.PNG': grey(0, 1, 2, 255),
      'notes.txt': Uint8Array.of(1),
    });
    const { images, names } = await readImages(folder, greySize);
    expect(names).toEqual(['a/z.PNG', 'b.png']);
    expect(images.shape).toEqual([2, 1, 2, 2]);
    expect(images.data).toEqual(scaled(0, 1, 2, 255, 255, 0, 51, 102));
    expect((images.data as Float32Array)[3]).toBe(1);
    expect((await readImages(folder, { ...greySize, limit: 1 })).names).toEqual(['a/z.PNG']);
  });

  it('splits colours into planes and drops opaque alpha', async () => {
    const expected = scaled(10, 40, 20, 50, 30, 60);
    const plain = await readImages(bytesSource('c.png', colour([10, 20, 30, 40, 50, 60])), colourSize);
    expect(plain.images.data).toEqual(expected);
    const opaque = await readImages(bytesSource('c.png', colour([10, 20, 30, 255, 40, 50, 60, 255], 4)), colourSize);
    expect(opaque.images.data).toEqual(expected);
  });

  it('reads a palette as colours', async () => {
    const palette = [
      [10, 20, 30],
      [40, 50, 60],
    ];
    const png = encode({ width: 2, height: 1, channels: 1, depth: 8, data: Uint8Array.of(1, 0), palette });
    const { images } = await readImages(bytesSource('p.png', png), colourSize);
    expect(images.data).toEqual(scaled(40, 10, 50, 20, 60, 30));
  });

  it.each([
    [
      'another size',
      colour([1, 2, 3, 4, 5, 6]),
      greySize,
      'x.png is 2×1; the model takes pictures of 2×2 with 1 channel.',
    ],
    ['grey for a colour model', colour([1, 2], 1), colourSize, 'x.png is 2×1 with 1 channel; the model takes'],
    [
      'colour for a grey model',
      colour([1, 2, 3, 4, 5, 6]),
      { ...colourSize, channels: 1 },
      'x.png is 2×1 with 3 channels',
    ],
    ['transparency', colour([1, 2, 3, 255, 4, 5, 6, 254], 4), colourSize, 'has transparent pixels'],
    [
      '16 bits a channel',
      encode({ width: 2, height: 1, channels: 3, depth: 16, data: new Uint16Array(6) }),
      colourSize,
      'has 16 bits a channel',
    ],
  ])('refuses %s', async (_, png, size, message) => {
    const reading = readImages(memoryFolder({ 'x.png': png }), size);
    await expect(reading).rejects.toMatchObject({
      code: 'BAD_DATA',
      file: 'x.png',
      message: expect.stringContaining(message),
    });
  });

  it('refuses a PNG cut off at any byte, and one with any byte of its picture changed', async () => {
    const png = grey(1, 2, 3, 4);
    const read = (bytes: Uint8Array) => readImages(memoryFolder({ 'x.png': bytes }), greySize);
    for (let length = 0; length < png.length; length++) {
      await expect(read(png.slice(0, length)), `cut to ${length}`).rejects.toMatchObject({ code: 'BAD_FILE' });
    }
    for (let at = 24; at < png.length; at++) {
      const changed = png.slice();
      changed[at] ^= 0x10;
      await expect(read(changed), `byte ${at}`).rejects.toMatchObject({ name: 'SecateurError' });
    }
  });

  it('leaves bad pictures out when told where to report them', async () => {
    const files = { 'a.png': grey(1, 2, 3, 4), 'b.png': grey(1, 2, 3, 4).slice(0, 40), 'c.png': grey(5, 6, 7, 8) };
    const bad: string[] = [];
    const { images, names } = await readImages(memoryFolder(files), {
      ...greySize,
      onBad: ({ file }) => bad.push(file!),
    });
    expect([names, bad, images.shape[0]]).toEqual([['a.png', 'c.png'], ['b.png'], 2]);
    const alone = await readImages(memoryFolder({ 'c.png': files['c.png'] }), greySize);
    expect(images.data.slice(4)).toEqual(alone.images.data);
    const none = readImages(memoryFolder({ 'b.png': files['b.png'] }), { ...greySize, onBad: () => {} });
    await expect(none).rejects.toMatchObject({ code: 'BAD_DATA', message: 'None of the pictures can be used.' });
  });

  it('says what a folder without pictures holds', async () => {
    await expect(readImages(memoryFolder({}, 'pictures'), greySize)).rejects.toMatchObject({
      code: 'BAD_DATA',
      file: 'pictures',
    });
    await expect(readImages(memoryFolder({ 'a.txt': Uint8Array.of(1) }, 'pictures'), greySize)).rejects.toMatchObject({
      code: 'BAD_DATA',
      message: 'pictures holds no picture and no IDX file of images.',
    });
  });

  it('stops when asked to and refuses nonsense options', async () => {
    const folder = memoryFolder({ 'a.png': grey(1, 2, 3, 4) });
    const aborted = readImages(folder, { ...greySize, signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' });
    for (const wrong of [{ limit: 0 }, { height: 1.5 }, { channels: Number.NaN }]) {
      await expect(readImages(folder, { ...greySize, ...wrong })).rejects.toMatchObject({ code: 'BAD_OPTION' });
    }
  });
});

describe('readImages on IDX files', () => {
  const bytes = readFileSync(zooPath('fashion-mnist'));
  const size = { channels: 1, height: 32, width: 32 };

  it('sets the pictures in the middle, as fashionImages does', async () => {
    const { images, names } = await readImages(bytesSource('t10k.gz', bytes), { ...size, limit: 3 });
    expect(images).toEqual(await fashionImages(bytes, { count: 3 }));
    expect(names).toEqual(['t10k.gz#0', 't10k.gz#1', 't10k.gz#2']);
  });

  it('finds the one image file of a folder', async () => {
    const files = { 't10k-images-idx3-ubyte.gz': bytes, 't10k-labels-idx1-ubyte.gz': Uint8Array.of(1) };
    expect((await readImages(memoryFolder(files), size)).images.shape).toEqual([10_000, 1, 32, 32]);
    const two = memoryFolder({ ...files, 'train-images-idx3-ubyte.gz': bytes });
    await expect(readImages(two, size)).rejects.toMatchObject({
      code: 'BAD_DATA',
      hint: expect.stringContaining('train-images'),
    });
  });

  it('refuses what padding cannot fit, and files that hold something else', async () => {
    for (const wrong of [{ channels: 3 }, { height: 24 }, { width: 31 }]) {
      const reading = readImages(bytesSource('t10k.gz', bytes), { ...size, ...wrong });
      await expect(reading).rejects.toMatchObject({ code: 'BAD_DATA', file: 't10k.gz' });
    }
    const labels = bytesSource('labels', Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 5));
    await expect(readImages(labels, size)).rejects.toMatchObject({ code: 'BAD_DATA' });
    const text = bytesSource('notes.txt', Uint8Array.of(104, 105));
    await expect(readImages(text, size)).rejects.toMatchObject({ code: 'BAD_DATA', file: 'notes.txt' });
    const huge = { ...text, size: 2 ** 31 };
    await expect(readImages(huge, size)).rejects.toMatchObject({ code: 'BAD_FILE' });
  });
});
