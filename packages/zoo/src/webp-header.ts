import { SecateurError } from '@secateur/graph';
import { damagedPicture, type PictureHeader } from './picture-decoders.js';

const textAt = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));

/** Whether the bytes begin as a WebP does. */
export function isWebp(bytes: Uint8Array): boolean {
  return textAt(bytes, 0) === 'RIFF' && textAt(bytes, 8) === 'WEBP';
}

/**
 * Reads the size of a WebP from the header of its first chunk, before anything is unpacked. Colours show in the pixels alone:
 * the format has no grey.
 *
 * @throws {SecateurError} BAD_FILE when it is cut short or no WebP; BAD_DATA for an animation
 */
export function readWebpHeader(bytes: Uint8Array, name: string): PictureHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 30) damagedPicture(name, 'WebP', 'it is too short');
  if (view.getUint32(4, true) + 8 > bytes.length) damagedPicture(name, 'WebP', 'it is cut short');
  const kind = textAt(bytes, 12);
  if (kind === 'VP8 ') {
    const isKeyFrame = bytes[23] === 0x9d && bytes[24] === 0x01 && bytes[25] === 0x2a;
    if (!isKeyFrame) damagedPicture(name, 'WebP', 'its frame does not begin as one');
    return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
  }
  if (kind === 'VP8L') {
    if (bytes[20] !== 0x2f) damagedPicture(name, 'WebP', 'its frame does not begin as one');
    const bits = view.getUint32(21, true);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  if (kind === 'VP8X') {
    if (bytes[20] & 0x02) {
      throw new SecateurError('BAD_DATA', `${name} is an animation.`, { file: name, hint: 'Save single pictures.' });
    }
    const size = (at: number) => (view.getUint32(at - 1, true) >>> 8) + 1;
    return { width: size(24), height: size(27) };
  }
  return damagedPicture(name, 'WebP', `it begins with a chunk "${kind}"`);
}
