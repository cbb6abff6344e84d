import { SecateurError } from '@secateur/graph';
import { type Html, html } from './html/html.js';

/** A picture of a report. */
export interface ReportPicture {
  /** What it shows, e.g. `Dense, seed 7`. */
  readonly label: string;
  /** The file's bytes. */
  readonly png: Uint8Array;
}

/** Pictures narrower than this are shown with hard pixel edges, as they are meant to be judged pixel by pixel. */
const smallWidth = 420;

/**
 * Pictures side by side, inside the page itself.
 * @throws {SecateurError} BAD_FILE for bytes that are no PNG
 */
export function pictureFigures(pictures: readonly ReportPicture[]): Html {
  return html`<div class="pictures">${pictures.map(({ label, png }) => {
    const { width, height } = pngSize(png, label);
    const kind = width < smallWidth ? 'pixels' : 'smooth';
    return html`<figure class="picture"><img class="${kind}" src="data:image/png;base64,${base64(png)}" width="${width}" height="${height}" alt="${label}"><figcaption>${label}</figcaption></figure>`;
  })}</div>`;
}

/** Width and height from the header. @throws {SecateurError} BAD_FILE */
export function pngSize(png: Uint8Array, label: string): { width: number; height: number } {
  const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
  if (png.length < 24 || signature.some((byte, i) => png[i] !== byte)) {
    throw new SecateurError('BAD_FILE', `Picture "${label}" is no PNG.`, {
      field: 'pictures',
      hint: 'encodePng of @secateur/pipelines makes one.',
    });
  }
  const view = new DataView(png.buffer, png.byteOffset);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

function base64(bytes: Uint8Array): string {
  let text = '';
  // In pieces: a call takes a limited number of arguments.
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}
