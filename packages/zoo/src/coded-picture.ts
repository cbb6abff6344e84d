import { isJpeg, readJpegHeader } from './jpeg-header.js';
import { type DecodedPicture, damagedPicture, type PictureDecoders } from './picture-decoders.js';
import { modelValueOf, type PictureSize, unsuitable } from './pixels.js';
import { readWebpHeader } from './webp-header.js';

/**
 * Reads a JPEG or WebP into `out`, float32 `[channels, height, width]` in [−1, 1]. The size is checked before anything is
 * unpacked. Grey models take WebP pictures without colour: the format has no grey of its own.
 *
 * @param name  for messages
 * @throws {SecateurError} BAD_FILE when the file is damaged; BAD_DATA when the picture is not what `expected` says
 */
export async function readCodedPicture(
  bytes: Uint8Array,
  name: string,
  expected: PictureSize,
  decoders: PictureDecoders,
  out: Float32Array,
): Promise<void> {
  const kind = isJpeg(bytes) ? 'JPEG' : 'WebP';
  const { width, height, channels } = kind === 'JPEG' ? readJpegHeader(bytes, name) : readWebpHeader(bytes, name);
  if (width !== expected.width || height !== expected.height) {
    throw unsuitable(name, `is ${width}×${height}`, expected, 'Resize it first.');
  }
  if (channels !== undefined && channels !== expected.channels) throw otherColours(name, channels, expected);
  if (expected.channels !== 1 && expected.channels !== 3) throw otherColours(name, channels ?? 3, expected);
  const decode = kind === 'JPEG' ? decoders.jpeg : decoders.webp;
  let picture: DecodedPicture;
  try {
    picture = await decode(bytes);
  } catch (cause) {
    damagedPicture(name, kind, cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (picture.width !== width || picture.height !== height || picture.data.length !== 4 * width * height) {
    damagedPicture(name, kind, 'it unpacks to another size than its header says');
  }
  spread(picture.data, name, expected, out);
}

/** Pixels side by side into planes. */
function spread(pixels: DecodedPicture['data'], name: string, expected: PictureSize, out: Float32Array): void {
  const plane = expected.width * expected.height;
  for (let i = 0; i < plane; i++) {
    const at = 4 * i;
    if (pixels[at + 3] !== 255) {
      throw unsuitable(name, 'has transparent pixels', expected, 'Flatten it onto a background.');
    }
    if (expected.channels === 1 && (pixels[at] !== pixels[at + 1] || pixels[at] !== pixels[at + 2])) {
      throw otherColours(name, 3, expected);
    }
    for (let c = 0; c < expected.channels; c++) out[c * plane + i] = modelValueOf[pixels[at + c]];
  }
}

function otherColours(name: string, channels: number, expected: PictureSize): ReturnType<typeof unsuitable> {
  const found = `is ${expected.width}×${expected.height} with ${channels} ${channels === 1 ? 'channel' : 'channels'}`;
  return unsuitable(name, found, expected, 'Convert it between grey and colour.');
}
