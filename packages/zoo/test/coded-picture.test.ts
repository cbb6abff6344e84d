import { readFileSync } from 'node:fs';
import { bytesSource, memoryFolder } from '@secateur/core';
import { describe, expect, it } from 'vitest';
import { type ImageSet, readImages } from '../src/index.js';
import { nodePictureDecoders } from '../src/node.js';

const file = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(`in/${name}`, import.meta.url)));
const colourSize = { channels: 3, height: 16, width: 24 };
const greySize = { ...colourSize, channels: 1 };
const decoders = nodePictureDecoders();
const read = (name: string, bytes: Uint8Array, size = colourSize): Promise<ImageSet> =>
  readImages(bytesSource(name, bytes), { ...size, decoders });

describe('unpacks as Pillow does', () => {
  it.each([
    ['colour.jpg', colourSize],
    ['progressive.jpg', colourSize],
    ['grey.jpg', greySize],
    ['colour.webp', colourSize],
    ['lossless.webp', colourSize],
    ['grey.webp', greySize],
  ])('%s', async (name, size) => {
    const [found, expected] = [await read(name, file(name), size), await read(name, file(`${name}.png`), size)];
    expect(found.images.shape).toEqual([1, size.channels, 16, 24]);
    // Another build of the codec may round the last bit of a pixel otherwise: one of 255 steps.
    const step = 1.001 / 127.5;
    for (const [i, value] of found.images.data.entries()) {
      expect(Math.abs(Number(value) - Number(expected.images.data[i]))).toBeLessThan(step);
    }
  });
});

describe('a folder', () => {
  it('holds pictures of all kinds, in order of path, told by what they hold', async () => {
    const folder = memoryFolder({
      'c.webp': file('lossless.webp'),
      'a.JPEG': file('colour.jpg'),
      'b.png': file('colour.jpg.png'),
      'd.jpg': file('lossless.webp.png'),
    });
    const { images, names } = await readImages(folder, { ...colourSize, decoders });
    expect(names).toEqual(['a.JPEG', 'b.png', 'c.webp', 'd.jpg']);
    const size = 3 * 16 * 24;
    expect(images.data.slice(2 * size, 3 * size)).toEqual(images.data.slice(3 * size));
  });

  it('names what is damaged or of another size, and leaves it out when asked to', async () => {
    const folder = memoryFolder({
      'a.jpg': file('colour.jpg'),
      'b.jpg': file('colour.jpg').slice(0, 500),
      'c.webp': file('colour.webp').slice(0, 100),
      'd.webp': file('colour.webp'),
    });
    const options = { ...colourSize, decoders };
    await expect(readImages(folder, options)).rejects.toMatchObject({ code: 'BAD_FILE', file: 'b.jpg' });
    const bad: unknown[] = [];
    const { names } = await readImages(folder, { ...options, onBad: (error) => bad.push(error.file) });
    expect([names, bad]).toEqual([
      ['a.jpg', 'd.webp'],
      ['b.jpg', 'c.webp'],
    ]);
    await expect(readImages(folder, { ...options, width: 16 })).rejects.toMatchObject({
      code: 'BAD_DATA',
      message: 'a.jpg is 24×16; the model takes pictures of 16×16 with 3 channels.',
    });
  });
});

describe('refuses', () => {
  it.each([
    ['colour.jpg', greySize, 'is 24×16 with 3 channels'],
    ['grey.jpg', colourSize, 'is 24×16 with 1 channel;'],
    ['colour.webp', greySize, 'is 24×16 with 3 channels'],
    ['cmyk.jpg', colourSize, 'has 4 colour components'],
    ['transparent.webp', colourSize, 'has transparent pixels'],
    ['animated.webp', colourSize, 'is an animation'],
    ['colour.jpg', { ...colourSize, height: 8 }, 'is 24×16; the model takes'],
  ])('%s for %j', async (name, size, message) => {
    await expect(read(name, file(name), size)).rejects.toMatchObject({
      code: 'BAD_DATA',
      file: name,
      message: expect.stringContaining(message),
    });
  });

  it.each(['colour.jpg', 'progressive.jpg', 'colour.webp', 'lossless.webp'])('%s cut off anywhere', async (name) => {
    const whole = file(name);
    for (let length = 3; length < whole.length; length += length < 60 ? 1 : 37) {
      const reading = read(name, whole.slice(0, length));
      await expect(reading, `cut to ${length}`).rejects.toMatchObject({ name: 'SecateurError', file: name });
    }
    // A codec that met damage goes on working.
    expect((await read(name, whole)).names).toEqual([name]);
  });

  it('pictures whose header promises a size, before any memory is taken for it', async () => {
    const huge = file('colour.jpg');
    const frame = huge.findIndex((byte, i) => byte === 0xff && huge[i + 1] === 0xc0);
    huge.set([0xff, 0xff, 0xff, 0xff], frame + 5);
    await expect(read('huge.jpg', huge)).rejects.toMatchObject({ message: expect.stringContaining('is 65535×65535') });
  });

  it('any byte of a header changed, by a message of ours or with a picture', async () => {
    for (const name of ['colour.jpg', 'colour.webp']) {
      const whole = file(name);
      for (let at = 2; at < 40; at++) {
        const changed = whole.slice();
        changed[at] ^= 0x11;
        const error = await read(name, changed).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        if (error) expect(error, `${name} byte ${at}`).toMatchObject({ name: 'SecateurError' });
      }
    }
  });
});

it('calls at once do not mix up their complaints', async () => {
  const [sound, cut] = [file('colour.jpg'), file('colour.jpg').slice(0, -20)];
  const all = await Promise.allSettled([sound, cut, sound, cut].map((bytes) => decoders.jpeg(bytes)));
  expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
});
