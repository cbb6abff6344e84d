import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { SecateurError } from '@secateur/graph';
import { loadModule } from './load-module.js';

/** A plugin factory, a module's exports, a path or package name; falsy ones are ignored, lists flattened. */
export type PluginEntry = object | string | false | null | undefined | readonly PluginEntry[];

/** What `secateur.config.ts` exports as default. */
export interface SecateurConfig {
  readonly plugins?: readonly PluginEntry[];
  /**
   * Defaults of options by their long names in camelCase; those of one command under the command's name:
   * `{ threads: 4, prune: { ratio: 0.3, data: './images' } }`.
   */
  readonly defaults?: Readonly<Record<string, unknown>>;
}

/** Gives a configuration its type. */
export function defineConfig(config: SecateurConfig): SecateurConfig {
  return config;
}

export interface FoundConfig {
  readonly path: string;
  readonly config: SecateurConfig;
}

const names = ['ts', 'mts', 'mjs', 'js', 'json'].map((extension) => `secateur.config.${extension}`);

/**
 * Reads the configuration named, or the one in `folder`.
 * @throws {SecateurError} BAD_CONFIG when it exports no configuration; BAD_PLUGIN when it fails while loading
 */
export async function findConfig(folder: string, named: string | undefined): Promise<FoundConfig | undefined> {
  const path = named ?? (await firstThere(folder));
  if (path === undefined) return undefined;
  if (named !== undefined && !(await isThere(named))) {
    throw new SecateurError('IO', `${named} does not exist.`, { file: named, field: '--config' });
  }
  const loaded = await loadModule(path, folder);
  return { path, config: checkConfig(loaded.default ?? loaded, path) };
}

function checkConfig(value: unknown, file: string): SecateurConfig {
  if (typeof value !== 'object' || value === null) {
    throw new SecateurError('BAD_CONFIG', `${file} must export an object as default.`, {
      file,
      hint: 'export default { plugins: [], defaults: {} };',
    });
  }
  for (const key of Object.keys(value)) {
    if (key === 'plugins' || key === 'defaults' || key === '__esModule' || key === 'default') continue;
    throw new SecateurError('BAD_CONFIG', `${file} has the unknown field "${key}".`, {
      file,
      field: key,
      hint: 'The fields are plugins and defaults.',
    });
  }
  const { plugins, defaults } = value as SecateurConfig;
  if (plugins !== undefined && !Array.isArray(plugins)) {
    throw new SecateurError('BAD_CONFIG', `plugins of ${file} must be a list.`, { file, field: 'plugins' });
  }
  if (defaults !== undefined && (typeof defaults !== 'object' || defaults === null || Array.isArray(defaults))) {
    throw new SecateurError('BAD_CONFIG', `defaults of ${file} must be an object.`, { file, field: 'defaults' });
  }
  return { plugins, defaults };
}

async function firstThere(folder: string): Promise<string | undefined> {
  for (const name of names) if (await isThere(join(folder, name))) return join(folder, name);
  return undefined;
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
