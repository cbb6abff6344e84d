import { SecateurError } from '@secateur/graph';
import { damagedPicture, type PictureHeader } from './picture-decoders.js';

/** Whether the bytes begin as a JPEG does. */
export function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

/** Markers that stand alone, without a length after them. */
const isBare = (marker: number): boolean => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);

/** Frame headers: C0 to CF but for tables of Huffman codes, extensions and arithmetic conditioning. */
const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/**
 * Reads a JPEG up to its frame header, so that the size is known before anything is unpacked.
 *
 * @throws {SecateurError} BAD_FILE when there is none; BAD_DATA for 12 bits and for colours of printing
 */
export function readJpegHeader(bytes: Uint8Array, name: string): PictureHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 2; ; ) {
    // Any number of FF may stand before a marker.
    while (at < bytes.length && bytes[at] === 0xff && bytes[at + 1] === 0xff) at++;
    if (at + 4 > bytes.length) damagedPicture(name, 'JPEG', 'it ends before its frame header');
    const marker = bytes[at + 1];
    if (bytes[at] !== 0xff || marker === 0 || marker === 0xd9 || marker === 0xda) {
      damagedPicture(name, 'JPEG', 'it has no frame header before its picture');
    }
    if (isBare(marker)) {
      at += 2;
      continue;
    }
    const length = view.getUint16(at + 2);
    if (length < 2 || at + 2 + length > bytes.length) {
      damagedPicture(name, 'JPEG', 'a segment reaches past the end of the file');
    }
    if (!isFrame(marker)) {
      at += 2 + length;
      continue;
    }
    if (length < 8) damagedPicture(name, 'JPEG', 'its frame header is too short');
    const [precision, channels] = [bytes[at + 4], bytes[at + 9]];
    if (precision !== 8 || (channels !== 1 && channels !== 3)) {
      const found = precision === 8 ? `${channels} colour components` : `${precision} bits a channel`;
      throw new SecateurError('BAD_DATA', `${name} has ${found}; pictures of 8 bits, grey or colour, are read.`, {
        file: name,
        hint: 'Convert it to sRGB with 8 bits a channel.',
      });
    }
    return { height: view.getUint16(at + 5), width: view.getUint16(at + 7), channels };
  }
}
