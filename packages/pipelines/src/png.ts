import { SecateurError } from '@secateur/graph';
import { convertIndexedToRgb, type DecodedPng, decode, encode } from 'fast-png';
import type { Bitmap } from './bitmap.js';
import { type GridOptions, gridOf } from './grid.js';

/** Pictures of one size as one PNG: a grid, or the picture itself when there is one. */
export function encodePng(bitmaps: readonly Bitmap[], options: GridOptions = {}): Uint8Array {
  const { width, height, channels, data } = gridOf(bitmaps, options);
  return encode({ width, height, channels, data, depth: 8 });
}

/** Pixels above which a file is refused before anything is unpacked: 8192 x 8192. */
const maxPixels = 2 ** 26;

/**
 * A PNG as 8-bit channels. Palettes are looked up, shallower depths spread over 0..255, 16 bits rounded to 8.
 *
 * @param name  for messages
 * @throws {SecateurError} BAD_FILE when the bytes are no PNG, are damaged, or the picture has more than 2^26 pixels
 */
export function decodePng(bytes: Uint8Array, name = 'image.png'): Bitmap {
  checkHeader(bytes, name);
  let png: DecodedPng;
  try {
    png = decode(bytes, { checkCrc: true });
  } catch (cause) {
    throw badPng(name, `is damaged: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
  const { width, height, channels, depth, palette } = png;
  if (palette) return { width, height, channels: palette[0]?.length ?? 3, data: lookUp(png, name) };
  if (depth < 8) return { width, height, channels, data: unpack(png) };
  return { width, height, channels, data: depth === 16 ? halve(png.data) : Uint8Array.from(png.data) };
}

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

function checkHeader(bytes: Uint8Array, name: string): void {
  if (bytes.length < 33 || signature.some((byte, i) => bytes[i] !== byte)) throw badPng(name, 'is no PNG');
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  if (width === 0 || height === 0 || width * height > maxPixels) {
    throw badPng(name, `is ${width} x ${height}; 1 to ${maxPixels} pixels are allowed`);
  }
}

function lookUp(png: DecodedPng, name: string): Uint8Array {
  try {
    return convertIndexedToRgb(png);
  } catch (cause) {
    throw badPng(name, 'uses a colour that its palette lacks', cause);
  }
}

/** Greys of 1, 2 or 4 bits, rows padded to whole bytes. */
function unpack({ width, height, depth, data }: DecodedPng): Uint8Array {
  const rowBytes = Math.ceil((width * depth) / 8);
  const max = 2 ** depth - 1;
  const out = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      const byte = data[y * rowBytes + (bit >> 3)];
      out[y * width + x] = (((byte >> (8 - depth - (bit & 7))) & max) * 255) / max;
    }
  }
  return out;
}

function halve(data: ArrayLike<number>): Uint8Array {
  return Uint8Array.from(data, (value) => Math.round(value / 257));
}

function badPng(name: string, what: string, cause?: unknown): SecateurError {
  return new SecateurError('BAD_FILE', `${name} ${what}.`, { file: name, cause });
}
