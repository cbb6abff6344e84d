import { describe, expect, it } from 'vitest';
import { type UrlSourceOptions, urlSource } from '../src/index.js';

const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
const url = 'https://models.example/x.safetensors';

interface Server {
  ranges?: boolean;
  showsTotal?: boolean;
  etag?: () => string;
  content?: Uint8Array;
  status?: number;
}

/** A server as far as `urlSource` sees one, with the ranges it was asked for. */
function serve(server: Server = {}): { fetch: typeof fetch; asked: string[] } {
  const { ranges = true, showsTotal = true, etag = () => 'v1', content = bytes, status } = server;
  const asked: string[] = [];
  const respond = async (_input: unknown, init: RequestInit = {}): Promise<Response> => {
    const range = new Headers(init.headers).get('range');
    asked.push(range ?? init.method ?? 'GET');
    if (status) return new Response('no', { status });
    if (init.method === 'HEAD') return new Response(null, { headers: { 'content-length': String(content.length) } });
    if (!ranges || !range) return new Response(content.slice());
    const [from, to] = /(\d+)-(\d+)/.exec(range)!.slice(1).map(Number) as [number, number];
    const total = showsTotal ? { 'content-range': `bytes ${from}-${to}/${content.length}` } : undefined;
    if (from >= content.length) {
      return new Response(null, { status: 416, headers: { 'content-range': `bytes */${content.length}` } });
    }
    return new Response(content.slice(from, to + 1), { status: 206, headers: { etag: etag(), ...total } });
  };
  return { fetch: respond as typeof fetch, asked };
}

const open = (server?: Server, options?: UrlSourceOptions) =>
  urlSource(url, { fetch: serve(server).fetch, ...options });

describe('urlSource', () => {
  it('fetches the ranges asked for and nothing else', async () => {
    const { fetch, asked } = serve();
    const source = await urlSource(new URL(url), { fetch });
    expect([source.name, source.size]).toEqual([url, 100]);
    expect(await source.read(10, 3)).toEqual(Uint8Array.of(10, 11, 12));
    expect(await source.read(100, 0)).toEqual(new Uint8Array(0));
    expect(asked).toEqual(['bytes=0-0', 'bytes=10-12']);
    await expect(source.read(99, 2)).rejects.toMatchObject({ code: 'BAD_FILE' });
  });

  it('asks for the size by HEAD when Content-Range is hidden from the page', async () => {
    expect((await open({ showsTotal: false })).size).toBe(100);
  });

  it('opens an empty file', async () => {
    expect((await open({ content: new Uint8Array(0) })).size).toBe(0);
  });

  it('keeps a file that is served whole only, up to a limit', async () => {
    const source = await open({ ranges: false });
    expect(await source.read(98, 2)).toEqual(Uint8Array.of(98, 99));
    await expect(open({ ranges: false }, { maxDownloadBytes: 99 })).rejects.toMatchObject({
      code: 'IO',
      message: expect.stringContaining('99'),
    });
  });

  it('notices that the file changed', async () => {
    let version = 0;
    const source = await open({ etag: () => `v${version++}` });
    await expect(source.read(0, 1)).rejects.toMatchObject({
      code: 'BAD_FILE',
      message: expect.stringContaining('changed'),
    });
  });

  it('refuses an answer of the wrong length', async () => {
    const source = await open();
    const lying = await urlSource(url, {
      fetch: (async () =>
        new Response(new Uint8Array(5), {
          status: 206,
          headers: { 'content-range': 'bytes 0-0/100' },
        })) as typeof fetch,
    });
    expect(source.size).toBe(lying.size);
    await expect(lying.read(0, 4)).rejects.toMatchObject({ code: 'IO', message: expect.stringContaining('more') });
    await expect(lying.read(0, 6)).rejects.toMatchObject({ code: 'IO', message: expect.stringContaining('5 bytes') });
  });

  it('passes on refusals, a broken network and cancelling', async () => {
    await expect(open({ status: 403 })).rejects.toMatchObject({ code: 'IO', hint: expect.stringContaining('headers') });
    await expect(open({ status: 404 })).rejects.toMatchObject({ code: 'IO', message: expect.stringContaining('404') });
    const broken = (async () => {
      throw new TypeError('fetch failed');
    }) as typeof fetch;
    await expect(urlSource(url, { fetch: broken })).rejects.toMatchObject({ code: 'IO' });
    const signal = AbortSignal.abort();
    await expect(urlSource(url, { fetch: broken, signal })).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
