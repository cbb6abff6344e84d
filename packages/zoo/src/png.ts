import { SecateurError } from '@secateur/graph';
import { convertIndexedToRgb, type DecodedPng, decode } from 'fast-png';
import { modelValueOf, type PictureSize, sizeText, unsuitable } from './pixels.js';

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Whether the bytes begin as a PNG does. */
export function isPng(bytes: Uint8Array): boolean {
  return signature.every((byte, i) => bytes[i] === byte);
}

/**
 * Reads a PNG into `out`, float32 `[channels, height, width]` in [−1, 1]. 8 bits a channel or a palette; alpha only where
 * it is fully opaque. The size is checked before anything is unpacked.
 *
 * @param name  for messages
 * @throws {SecateurError} BAD_FILE when the file is damaged; BAD_DATA when the picture is not what `expected` says
 */
export function readPng(bytes: Uint8Array, name: string, expected: PictureSize, out: Float32Array): void {
  const { height, width, channels } = expected;
  const picture = unpack(pictureChunks(bytes, name, expected), name);
  if (picture.depth !== 8 && !picture.palette) {
    throw unsuitable(name, `has ${picture.depth} bits a channel`, expected, 'Save it with 8 bits a channel.');
  }
  const pixels = picture.palette ? convertIndexedToRgb(picture) : picture.data;
  const stored = pixels.length / (width * height);
  const hasAlpha = stored === 2 || stored === 4;
  if (stored - (hasAlpha ? 1 : 0) !== channels) {
    const found = sizeText({ channels: stored - (hasAlpha ? 1 : 0), height, width });
    throw unsuitable(name, `is ${found}`, expected, 'Convert it between grey and colour.');
  }
  if (picture.transparency || (hasAlpha && pixels.some((value, i) => i % stored === stored - 1 && value !== 255))) {
    throw unsuitable(name, 'has transparent pixels', expected, 'Flatten it onto a background.');
  }
  for (let channel = 0; channel < channels; channel++) {
    const plane = channel * width * height;
    for (let i = 0; i < width * height; i++) out[plane + i] = modelValueOf[pixels[i * stored + channel]];
  }
}

/**
 * The file with only those chunks that make the picture. Others are dropped unread: a colour profile or a text can unpack
 * to any size.
 */
function pictureChunks(bytes: Uint8Array, name: string, expected: PictureSize): Uint8Array {
  const damaged = (why: string) => new SecateurError('BAD_FILE', `${name}: not a sound PNG: ${why}.`, { file: name });
  if (!isPng(bytes)) throw damaged('it does not begin as one');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kept = [bytes.subarray(0, 8)];
  let packed = 0;
  for (let at = 8; ; ) {
    if (at + 12 > bytes.length) throw damaged('it ends before its IEND chunk');
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (at + 12 + length > bytes.length) throw damaged(`chunk ${type} reaches past the end of the file`);
    if (at === 8) {
      if (type !== 'IHDR' || length !== 13) throw damaged('its first chunk is not IHDR');
      const found = { width: view.getUint32(16), height: view.getUint32(20) };
      if (found.width !== expected.width || found.height !== expected.height) {
        throw unsuitable(name, `is ${found.width}×${found.height}`, expected, 'Resize it first.');
      }
    }
    if (type === 'IDAT') packed += length;
    if (['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND'].includes(type)) kept.push(bytes.subarray(at, at + 12 + length));
    at += 12 + length;
    if (type === 'IEND') break;
  }
  // Packed data may be a little larger than the raw pixels (8 bytes each at most), never much.
  const most = 2 * 8 * expected.width * expected.height + 65_536;
  if (packed > most) throw damaged(`${packed} bytes of packed pixels where at most ${most} make sense`);
  return joined(kept);
}

function unpack(bytes: Uint8Array, name: string): DecodedPng {
  try {
    const picture = decode(bytes, { checkCrc: true });
    const rowBytes = Math.ceil((picture.width * picture.channels * picture.depth) / 8);
    if (picture.data.byteLength === rowBytes * picture.height) return picture;
  } catch (cause) {
    throw new SecateurError('BAD_FILE', `${name}: a damaged PNG: ${cause instanceof Error ? cause.message : cause}`, {
      file: name,
      cause,
    });
  }
  throw new SecateurError('BAD_FILE', `${name}: a damaged PNG: pixels are missing.`, { file: name });
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
