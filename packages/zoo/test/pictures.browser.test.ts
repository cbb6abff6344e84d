import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { memoryFolder } from '@secateur/core';
import { withBrowserPage } from '@secateur/testkit/browser';
import { expect, it } from 'vitest';
import { readImages } from '../src/index.js';
import { nodePictureDecoders } from '../src/node.js';

const entry = fileURLToPath(new URL('./pages/pictures.ts', import.meta.url));
const names = ['colour.jpg', 'colour.webp', 'progressive.jpg'];
const pathOf = (name: string): string => fileURLToPath(new URL(`./in/${name}`, import.meta.url));

// The same WebAssembly: bit for bit.
it('reads JPEG and WebP in Chromium as in Node, its WebAssembly fetched from beside the code', async () => {
  const folder = memoryFolder(
    Object.fromEntries(names.map((name) => [name, new Uint8Array(readFileSync(pathOf(name)))])),
  );
  const wanted = await readImages(folder, { channels: 3, height: 16, width: 24, decoders: nodePictureDecoders() });
  const files = Object.fromEntries(names.map((name) => [name, pathOf(name)]));
  await withBrowserPage({ entry, files }, async (page) => {
    expect(await page.call<number[]>('read', names)).toEqual(Array.from(wanted.images.data as Float32Array));
  });
});
