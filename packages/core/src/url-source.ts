import { SecateurError } from '@secateur/graph';
import { checkByteRange } from './byte-range.js';
import type { ByteSource } from './files.js';
import { bytesSource } from './memory-files.js';

export interface UrlSourceOptions {
  /** Default: the platform's. Wrap it to add credentials, a cache, or progress. */
  fetch?: typeof fetch;
  /** Sent with every request, e.g. `Authorization`. */
  headers?: Readonly<Record<string, string>>;
  /**
   * A server that does not serve ranges sends the whole file; up to this many bytes it is kept in memory, above it the
   * source is refused. Default 512 MiB.
   */
  maxDownloadBytes?: number;
  signal?: AbortSignal;
}

/**
 * A file behind a URL, read by HTTP ranges: opening a checkpoint of gigabytes fetches its header only.
 *
 * @throws {SecateurError} IO when the server refuses or cannot be reached; BAD_FILE when the file changes between reads
 */
export async function urlSource(url: string | URL, options: UrlSourceOptions = {}): Promise<ByteSource> {
  const name = String(url);
  const response = await request(name, options, { Range: 'bytes=0-0' });
  if (response.status === 416 && totalFrom(response) === 0) return bytesSource(name, new Uint8Array(0));
  if (response.status === 200) return bytesSource(name, await download(name, response, options));
  if (response.status !== 206) throw refused(name, response);
  await response.body?.cancel();
  const size = totalFrom(response) ?? (await sizeByHead(name, options));
  const version = response.headers.get('etag');
  return {
    name,
    size,
    async read(offset, length) {
      checkByteRange(name, size, offset, length);
      if (length === 0) return new Uint8Array(0);
      const part = await request(name, options, { Range: `bytes=${offset}-${offset + length - 1}` });
      if (part.status !== 206) throw refused(name, part);
      if (part.headers.get('etag') !== version) throw changed(name);
      return readExactly(name, part, length);
    },
  };
}

async function request(
  name: string,
  options: UrlSourceOptions,
  headers: Record<string, string>,
  method: string = 'GET',
): Promise<Response> {
  const { fetch: fetcher = globalThis.fetch, signal } = options;
  try {
    return await fetcher(name, { method, headers: { ...options.headers, ...headers }, signal });
  } catch (cause) {
    throw unreachable(name, cause, signal);
  }
}

/** `Content-Range: bytes 0-0/1234`; a server on another origin may not let the page see it. */
function totalFrom(response: Response): number | undefined {
  const total = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1];
  return total === undefined ? undefined : Number(total);
}

async function sizeByHead(name: string, options: UrlSourceOptions): Promise<number> {
  const response = await request(name, options, {}, 'HEAD');
  const length = response.headers.get('content-length');
  if (!response.ok || length === null || !Number.isSafeInteger(Number(length))) {
    throw new SecateurError('IO', `${name} does not tell its size.`, {
      file: name,
      hint: 'The server must send Content-Range or Content-Length and, across origins, expose them (CORS).',
    });
  }
  return Number(length);
}

async function download(name: string, response: Response, options: UrlSourceOptions): Promise<Uint8Array> {
  const { maxDownloadBytes = 512 * 2 ** 20, signal } = options;
  const bytes = await collect(name, response, maxDownloadBytes, signal);
  if (bytes) return bytes;
  throw new SecateurError('IO', `${name} is served whole only and is larger than ${maxDownloadBytes} bytes.`, {
    file: name,
    hint: 'Use a server that answers Range requests, download the file first, or raise `maxDownloadBytes`.',
  });
}

async function readExactly(name: string, response: Response, length: number): Promise<Uint8Array> {
  const bytes = await collect(name, response, length);
  if (bytes?.byteLength === length) return bytes;
  const sent = bytes ? `${bytes.byteLength} bytes` : 'more';
  throw new SecateurError('IO', `${name} sent ${sent} where ${length} bytes were asked for.`, {
    file: name,
    hint: 'The connection broke or the server misreads ranges. Try again, or download the file first.',
  });
}

/** The body, or `undefined` when it is longer than `limit`. Grows with what arrives, not with what is announced. */
async function collect(
  name: string,
  response: Response,
  limit: number,
  signal?: AbortSignal,
): Promise<Uint8Array | undefined> {
  if (!response.body) return new Uint8Array(0);
  const reader = response.body.getReader();
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      length += next.value.byteLength;
      if (length > limit) {
        await reader.cancel();
        return undefined;
      }
      pieces.push(next.value);
    }
  } catch (cause) {
    throw unreachable(name, cause, signal);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.byteLength;
  }
  return bytes;
}

function unreachable(name: string, cause: unknown, signal?: AbortSignal): SecateurError {
  if (signal?.aborted) return new SecateurError('ABORTED', 'Cancelled.', { file: name, cause: signal.reason });
  return new SecateurError('IO', `${name} cannot be fetched: ${cause instanceof Error ? cause.message : cause}`, {
    file: name,
    hint: 'Check the address and the network; across origins the server must allow the page (CORS).',
    cause,
  });
}

function refused(name: string, response: Response): SecateurError {
  return new SecateurError('IO', `${name} answered ${response.status} ${response.statusText}`.trimEnd(), {
    file: name,
    hint:
      response.status === 401 || response.status === 403
        ? 'Pass credentials in `headers`.'
        : 'Expected 206 Partial Content. Check the address.',
  });
}

function changed(name: string): SecateurError {
  return new SecateurError('BAD_FILE', `${name} changed while it was being read.`, {
    file: name,
    hint: 'Open it again; name a fixed revision in the address.',
  });
}
