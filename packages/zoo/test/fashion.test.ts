import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { loadFixtureTensors } from '@secateur/testkit';
import { expect, it } from 'vitest';
import { fashionImages } from '../src/index.js';
import { zooImages, zooPath } from '../src/node.js';

const bytes = readFileSync(zooPath('fashion-mnist'));

it('fashionImages equals the reference batch bit for bit', async () => {
  const { images } = loadFixtureTensors('fashion-ddpm-32/diff-pruning.safetensors');
  const first = await fashionImages(bytes, { count: 8 });
  expect(first.shape).toEqual(images.shape);
  expect(first.data).toEqual(images.data);
});

it('offset and count choose images; zooImages reads the bundled file', async () => {
  const eight = await fashionImages(bytes, { count: 8 });
  const two = await zooImages({ offset: 6, count: 2 });
  expect(two.shape).toEqual([2, 1, 32, 32]);
  expect(two.data).toEqual(eight.data.slice(6 * 1024, 8 * 1024));
  expect((await zooImages({ offset: 9_990 })).shape[0]).toBe(10);
});

it('refuses images that are not there and files of another size', async () => {
  await expect(zooImages({ offset: 9_990, count: 11 })).rejects.toMatchObject({ code: 'BAD_OPTION' });
  await expect(zooImages({ offset: -1, count: 2 })).rejects.toMatchObject({ code: 'BAD_OPTION' });
  await expect(zooImages({ count: 0 })).rejects.toMatchObject({ code: 'BAD_OPTION' });
  await expect(zooImages({ count: 1.5 })).rejects.toMatchObject({ code: 'BAD_OPTION' });
  const other = gzipSync(Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 7));
  await expect(fashionImages(other)).rejects.toMatchObject({
    code: 'BAD_DATA',
    message: expect.stringContaining('[1,1,1]'),
  });
});
