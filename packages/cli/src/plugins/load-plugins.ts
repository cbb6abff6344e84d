import { resolve } from 'node:path';
import { type AnyFactory, Registry } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import type { FoundConfig, PluginEntry } from './config-file.js';
import { loadModule } from './load-module.js';

export interface PluginSources {
  /** Folder that relative paths and package names start from. */
  readonly folder: string;
  readonly config?: FoundConfig;
  /** Paths and package names from the command line. */
  readonly named: readonly string[];
}

/**
 * The built-in methods, criteria, selectors and metrics, and the user's.
 * @throws {SecateurError} BAD_PLUGIN, NAME_CLASH
 */
export async function loadPlugins(sources: PluginSources): Promise<Registry> {
  const [core, baselines, diffPruning, laptopDiff, sparsedm, metrics] = await Promise.all([
    import('@secateur/core'),
    import('@secateur/baselines'),
    import('@secateur/diff-pruning'),
    import('@secateur/laptop-diff'),
    import('@secateur/sparsedm'),
    import('@secateur/metrics'),
  ]);
  const registry = new Registry();
  const { localRanking, globalRanking, isomorphicRanking, knapsack, greedy, exhaustive } = core;
  const selectors = { localRanking, globalRanking, isomorphicRanking, knapsack, greedy, exhaustive };
  registry.addModule(selectors, '@secateur/core');
  registry.addModule(baselines, '@secateur/baselines');
  registry.addModule(diffPruning, '@secateur/diff-pruning');
  registry.addModule(laptopDiff, '@secateur/laptop-diff');
  registry.addModule(sparsedm, '@secateur/sparsedm');
  registry.addModule(metrics, '@secateur/metrics');
  for (const entry of flatten(sources.config?.config.plugins ?? [])) await addEntry(registry, entry, sources);
  for (const name of sources.named) await addNamed(registry, name, sources.folder);
  return registry;
}

/** Adds the plugins of a file or package. */
export async function addNamed(registry: Registry, name: string, folder: string): Promise<void> {
  const isPath = /^[./~]|^[a-z]:|\.[cm]?[jt]s$/i.test(name);
  const module = await loadModule(isPath ? resolve(folder, name) : name, folder);
  addExports(registry, module, name);
}

async function addEntry(registry: Registry, entry: object | string, sources: PluginSources): Promise<void> {
  const { path } = sources.config!;
  if (typeof entry === 'string') return addNamed(registry, entry, resolve(path, '..'));
  if (typeof entry === 'function') return addExports(registry, { entry }, path);
  addExports(registry, entry, path);
}

function addExports(registry: Registry, exports: object, from: string): void {
  const { default: main, ...others } = exports as { default?: unknown };
  const nested = typeof main === 'object' && main !== null ? main : {};
  const seen = new Set<unknown>([main, ...Object.values(others), ...Object.values(nested)]);
  if (registry.addModule({ all: [...seen].flat() }, from) > 0) return;
  throw new SecateurError('BAD_PLUGIN', `${from} exports no plugin.`, {
    file: from,
    hint: 'Export what defineCriterion, defineMethod, defineSelector or defineMetric of @secateur/core returns.',
  });
}

function flatten(entries: readonly PluginEntry[]): (object | string)[] {
  return entries.flatMap((entry) => (Array.isArray(entry) ? flatten(entry) : entry ? [entry as object | string] : []));
}

/** What `registry.list` gives, by kind and name, for lists and JSON. */
export function describePlugins(registry: Registry): { kind: string; name: string; summary: string; from: string }[] {
  return registry.list().map(({ factory, from }) => ({
    kind: factory.kind,
    name: factory.pluginName,
    summary: factory.summary,
    from,
  }));
}

export type { AnyFactory };
