import type { Registry } from '@secateur/core';
import type { Session } from '../session.js';
import { installedPlugins } from './installed.js';
import { addNamed } from './load-plugins.js';

/** Loads the plugin packages that the project in the working folder depends on. Returns their names. */
export async function addInstalled(registry: Registry, session: Session): Promise<string[]> {
  const packages = await installedPlugins(session.io.cwd);
  const loaded = new Set(registry.list().map(({ from }) => from));
  for (const name of packages) if (!loaded.has(name)) await addNamed(registry, name, session.io.cwd);
  return packages;
}
