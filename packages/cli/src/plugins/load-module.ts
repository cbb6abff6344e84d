import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SecateurError } from '@secateur/graph';

/**
 * Imports a file or package of the user's: JavaScript, TypeScript (also on Node 20, which cannot strip types) or JSON.
 *
 * What it imports of Secateur is this very program's copy, so that a plugin file works wherever it lies and both sides
 * agree on every class.
 *
 * @param specifier  an absolute path, or the name of a package as seen from `folder`
 * @throws {SecateurError} BAD_PLUGIN when it cannot be found or fails while loading
 */
export async function loadModule(specifier: string, folder: string): Promise<Record<string, unknown>> {
  const [{ createJiti }, core, graph, baselines, diffPruning, laptopDiff, sparsedm, train, metrics, secateur] =
    await Promise.all([
      import('jiti'),
      import('@secateur/core'),
      import('@secateur/graph'),
      import('@secateur/baselines'),
      import('@secateur/diff-pruning'),
      import('@secateur/laptop-diff'),
      import('@secateur/sparsedm'),
      import('@secateur/train'),
      import('@secateur/metrics'),
      import('../index.js'),
    ]);
  const jiti = createJiti(pathToFileURL(join(folderOf(folder), 'secateur.js')).href, {
    // No cache: nothing may be written where the user did not ask for it.
    fsCache: false,
    moduleCache: false,
    virtualModules: {
      '@secateur/core': core,
      '@secateur/graph': graph,
      '@secateur/baselines': baselines,
      '@secateur/diff-pruning': diffPruning,
      '@secateur/laptop-diff': laptopDiff,
      '@secateur/sparsedm': sparsedm,
      '@secateur/train': train,
      '@secateur/metrics': metrics,
      secateur,
    },
  });
  try {
    return await jiti.import<Record<string, unknown>>(specifier);
  } catch (cause) {
    if (cause instanceof SecateurError) throw cause;
    throw loadError(specifier, cause);
  }
}

function folderOf(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
}

function loadError(specifier: string, cause: unknown): SecateurError {
  const message = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0];
  const missing = (cause as { code?: string })?.code === 'MODULE_NOT_FOUND' && message?.includes(`'${specifier}'`);
  if (missing) {
    return new SecateurError('BAD_PLUGIN', `${specifier} cannot be found.`, {
      file: specifier,
      hint: 'Give the path of a file (./plugin.ts) or the name of a package that is installed here.',
      cause,
    });
  }
  return new SecateurError('BAD_PLUGIN', `${specifier} fails while loading: ${message}`, {
    file: specifier,
    hint: 'SECATEUR_DEBUG=1 shows where.',
    cause,
  });
}
