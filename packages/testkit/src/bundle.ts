import { build } from 'vite';
import { sourceAliases, workspaceRoot } from './source-aliases.js';

/** Name of the bundle's entry module, which has the exports of the page's module. */
export const entryName = 'page.js';

/**
 * Bundles a module for the browser as an app's bundler would, with the workspace's packages taken from their sources.
 * @param entry  absolute path of a TypeScript or JavaScript module
 * @returns contents of the files made, by name: {@link entryName}, its chunks, workers and assets
 */
export async function bundle(entry: string): Promise<Map<string, string | Uint8Array>> {
  const built = await build({
    root: workspaceRoot,
    configFile: false,
    publicDir: false,
    logLevel: 'error',
    resolve: { alias: sourceAliases() },
    worker: { format: 'es' },
    build: {
      write: false,
      target: 'es2022',
      minify: false,
      assetsInlineLimit: 0,
      modulePreload: false,
      rolldownOptions: {
        input: { page: entry },
        preserveEntrySignatures: 'strict',
        output: { format: 'es', entryFileNames: '[name].js' },
      },
    },
  });
  const files = new Map<string, string | Uint8Array>();
  for (const result of Array.isArray(built) ? built : [built]) {
    if (!('output' in result)) throw new Error('vite went into watch mode.');
    for (const file of result.output) files.set(file.fileName, file.type === 'chunk' ? file.code : file.source);
  }
  return files;
}
