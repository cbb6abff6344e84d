import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';

const mediaTypes: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

export interface Served {
  /** `http://127.0.0.1:<port>/` */
  url: string;
  close(): Promise<void>;
}

/**
 * Serves files on this machine only, isolated across origins (COOP and COEP), as threads in WebAssembly need it.
 *
 * @param contents  by path below `/`, from memory
 * @param onDisk  path below `/` → absolute path of the one file it stands for
 */
export async function serve(
  contents: ReadonlyMap<string, string | Uint8Array>,
  onDisk: Readonly<Record<string, string>> = {},
): Promise<Served> {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname.slice(1) || 'index.html';
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    try {
      const body = contents.get(path) ?? (Object.hasOwn(onDisk, path) ? await readFile(onDisk[path]) : undefined);
      if (body === undefined) response.writeHead(404).end();
      else response.setHeader('Content-Type', mediaTypes[extname(path)] ?? 'application/octet-stream').end(body);
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
