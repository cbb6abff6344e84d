import { SecateurError } from '@secateur/graph';

/** Colours of a picture, 8 bits each, rows from the top: `[height, width, 4]`, red, green, blue, opacity. */
export interface DecodedPicture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray | Uint8Array;
}

/** Unpacks the bytes of a picture. @throws when they are damaged; the message says how */
export type PictureDecoder = (bytes: Uint8Array) => Promise<DecodedPicture>;

export interface PictureDecoders {
  readonly jpeg: PictureDecoder;
  readonly webp: PictureDecoder;
}

/** The codecs' WebAssembly, for places that cannot fetch it from beside the code: Node, see `@secateur/zoo/node`. */
export interface CodecModules {
  readonly jpeg: () => Promise<WebAssembly.Module>;
  readonly webp: () => Promise<WebAssembly.Module>;
}

/** What both codec packages export. */
interface Codec {
  readonly default: (bytes: ArrayBuffer) => Promise<DecodedPicture>;
  init(module: WebAssembly.Module | undefined, options: { printErr(text: string): void }): Promise<void>;
}

/**
 * mozjpeg and libwebp in WebAssembly, loaded when the first such picture comes.
 *
 * @param modules  default: fetched from beside the code, as bundlers place them
 */
export function pictureDecoders(modules?: CodecModules): PictureDecoders {
  return {
    jpeg: decoderOf(() => import('@jsquash/jpeg/decode.js') as unknown as Promise<Codec>, modules?.jpeg),
    webp: decoderOf(() => import('@jsquash/webp/decode.js') as unknown as Promise<Codec>, modules?.webp),
  };
}

function decoderOf(load: () => Promise<Codec>, module?: () => Promise<WebAssembly.Module>): PictureDecoder {
  let codec: Promise<Codec> | undefined;
  // A codec that finds damage it can paint over says so here and goes on.
  let complaints: string[] = [];
  const start = async (): Promise<Codec> => {
    const loaded = await load();
    await loaded.init(await module?.(), { printErr: (text) => complaints.push(text) });
    return loaded;
  };
  const unpack = async (bytes: Uint8Array): Promise<DecodedPicture> => {
    const { default: decode } = await (codec ??= start());
    complaints = [];
    // The codec wants a buffer of its own.
    const picture = await decode(bytes.slice().buffer).catch((error: unknown) => {
      throw new Error(complaints[0] ?? messageOf(error));
    });
    if (complaints.length > 0) throw new Error(complaints[0]);
    return picture;
  };
  // One after another, so that complaints are about the picture at hand.
  let last: Promise<unknown> = Promise.resolve();
  return (bytes) => {
    const picture = last.then(() => unpack(bytes));
    last = picture.catch(() => {});
    return picture;
  };
}

function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  return (error as { message?: string } | undefined)?.message ?? 'it cannot be unpacked';
}

/** What a picture's header says. */
export interface PictureHeader {
  readonly width: number;
  readonly height: number;
  /** Colours: 1 grey, 3 red, green and blue; without opacity. `undefined`: pixels show. */
  readonly channels?: number;
}

/** @throws {SecateurError} BAD_FILE */
export function damagedPicture(name: string, kind: string, why: string, cause?: unknown): never {
  throw new SecateurError('BAD_FILE', `${name}: a damaged ${kind}: ${why}.`, { file: name, cause });
}
