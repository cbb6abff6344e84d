import { memoryFolder } from '@secateur/core';
import { readImages } from '../../src/index.js';

/** Reads the files, fetched from beside the page, as pictures of 24×16; their values. */
export async function read(names: readonly string[]): Promise<number[]> {
  const files: Record<string, Uint8Array> = {};
  for (const name of names) files[name] = new Uint8Array(await (await fetch(name)).arrayBuffer());
  const { images } = await readImages(memoryFolder(files), { channels: 3, height: 16, width: 24 });
  return Array.from(images.data as Float32Array);
}
