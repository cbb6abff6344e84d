import { SecateurError, sizeOf } from '@secateur/graph';

/** An array of an IDX file (the format of MNIST and its kin), row-major. */
export interface IdxArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Largest array that is read: an IDX header may ask for anything. */
const maxElements = 2 ** 30;

/**
 * Reads an IDX file of bytes, plain or gzipped. Stops as soon as the file holds more than its header says.
 *
 * @param bytes  the whole file
 * @param name  for messages
 * @throws {SecateurError} BAD_FILE when it is no IDX file of bytes, is damaged, or does not hold what its header says
 */
export async function readIdx(bytes: Uint8Array, name = 'IDX data'): Promise<IdxArray> {
  const chunks = isGzip(bytes) ? gunzip(bytes, name) : [bytes];
  const header = new Uint8Array(4 + 4 * 255);
  let headerLength = 0;
  let shape: number[] | undefined;
  let data = new Uint8Array(0);
  let filled = 0;
  for await (const chunk of chunks) {
    let rest = chunk;
    if (!shape) {
      const taken = rest.subarray(0, header.length - headerLength);
      header.set(taken, headerLength);
      const before = headerLength;
      headerLength += taken.length;
      shape = parseHeader(header.subarray(0, headerLength), name);
      if (!shape) continue;
      data = new Uint8Array(sizeOf(shape));
      rest = rest.subarray(4 + 4 * shape.length - before);
    }
    if (filled + rest.length > data.length) throw wrongLength(name, shape, 'more');
    data.set(rest, filled);
    filled += rest.length;
  }
  if (!shape) throw new SecateurError('BAD_FILE', `${name}: too short for an IDX header.`, { file: name });
  if (filled < data.length) throw wrongLength(name, shape, `only ${filled}`);
  return { shape, data };
}

/** Whether the bytes begin as a gzip stream does. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Whether the bytes begin as an IDX file of bytes does: two zeros, then the type 8. */
export function isIdx(bytes: Uint8Array): boolean {
  return bytes[0] === 0 && bytes[1] === 0 && bytes[2] === 8;
}

/** Dims of a header, or `undefined` while too few bytes of it are there. */
function parseHeader(header: Uint8Array, name: string): number[] | undefined {
  if (header.length < 4) return undefined;
  if (!isIdx(header)) {
    const start = Array.from(header.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    throw new SecateurError('BAD_FILE', `${name}: begins with ${start}; an IDX file of bytes begins with 00 00 08.`, {
      file: name,
      field: 'magic',
    });
  }
  const rank = header[3];
  if (rank === 0)
    throw new SecateurError('BAD_FILE', `${name}: an IDX array without axes.`, { file: name, field: 'rank' });
  if (header.length < 4 + 4 * rank) return undefined;
  const view = new DataView(header.buffer, header.byteOffset);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const size = sizeOf(shape);
  if (size > maxElements) {
    const message = `${name}: the header asks for [${shape}], ${size} bytes; at most ${maxElements} are read.`;
    throw new SecateurError('BAD_FILE', message, { file: name, field: 'dims' });
  }
  return shape;
}

async function* gunzip(bytes: Uint8Array, name: string): AsyncGenerator<Uint8Array> {
  const source = new ReadableStream<BufferSource>({
    start(controller) {
      controller.enqueue(bytes as Uint8Array<ArrayBuffer>);
      controller.close();
    },
  });
  try {
    yield* source.pipeThrough(new DecompressionStream('gzip'));
  } catch (cause) {
    if (cause instanceof SecateurError) throw cause;
    throw new SecateurError('BAD_FILE', `${name}: the gzip stream is damaged or cut short.`, { file: name, cause });
  }
}

function wrongLength(name: string, shape: readonly number[], held: string): SecateurError {
  const expected = `[${shape}], ${sizeOf(shape)} bytes`;
  return new SecateurError('BAD_FILE', `${name}: the header says ${expected}; the file holds ${held}.`, { file: name });
}
