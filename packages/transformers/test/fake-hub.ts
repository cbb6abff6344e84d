import { createHash } from 'node:crypto';

/** A hub of one model, as a `fetch`; counts what is asked of it. */
export function fakeHub(files: Record<string, Uint8Array>, commit = 'a'.repeat(40)) {
  const hub = { asked: [] as string[], isDown: false, commit, files, breaksAfter: Number.POSITIVE_INFINITY };
  const json = (value: unknown) =>
    new Response(JSON.stringify(value), { headers: { 'content-type': 'application/json' } });
  const fetched = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    init?.signal?.throwIfAborted();
    const { pathname } = new URL(String(input));
    hub.asked.push(pathname);
    if (hub.isDown) throw new TypeError('fetch failed');
    if (pathname.startsWith('/api/models/some/model/revision/'))
      return json({ _id: 'x', id: 'some/model', sha: hub.commit });
    if (pathname === `/api/models/some/model/tree/${hub.commit}`) {
      return json([
        { type: 'directory', path: 'unet', size: 0 },
        ...Object.entries(hub.files).map(([path, bytes]) => ({
          type: 'file',
          path,
          size: bytes.byteLength,
          oid: 'b',
          ...(path.endsWith('.bin') && { lfs: { oid: sha256(bytes), size: bytes.byteLength, pointerSize: 1 } }),
        })),
      ]);
    }
    const path = pathname.replace(`/some/model/resolve/${hub.commit}/`, '');
    const bytes = hub.files[path];
    if (!bytes) return new Response('{"error": "not here"}', { status: 404 });
    return ranged(bytes, new Headers(init?.headers).get('range'), hub);
  };
  return Object.assign(hub, { fetch: fetched as typeof fetch });
}

function ranged(bytes: Uint8Array, range: string | null, hub: { breaksAfter: number }): Response {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? ['', '0', ''];
  const end = to === '' ? bytes.byteLength : Number(to) + 1;
  const part = bytes.slice(Number(from), end);
  const headers = { 'content-range': `bytes ${from}-${end - 1}/${bytes.byteLength}`, etag: '"e"' };
  if (part.byteLength <= hub.breaksAfter) return new Response(part, { status: 206, headers });
  const broken = new ReadableStream({
    start(controller) {
      controller.enqueue(part.slice(0, hub.breaksAfter));
    },
    pull: (controller) => controller.error(new TypeError('terminated')),
  });
  return new Response(broken, { status: 206, headers });
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
