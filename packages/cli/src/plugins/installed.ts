import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

interface Manifest {
  readonly keywords?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** The keyword by which plugin packages are known. */
export const pluginKeyword = 'secateur-plugin';

/** Plugin packages among the dependencies of the nearest package.json above `folder`, sorted. Nothing of them is run. */
export async function installedPlugins(folder: string): Promise<string[]> {
  const nearest = await nearestManifest(folder);
  if (!nearest) return [];
  const { dependencies, devDependencies } = nearest.manifest;
  const names = Object.keys({ ...dependencies, ...devDependencies }).sort();
  const marked = await Promise.all(names.map((name) => isPlugin(name, nearest.folder)));
  return names.filter((_, i) => marked[i]);
}

async function nearestManifest(folder: string): Promise<{ folder: string; manifest: Manifest } | undefined> {
  for (let at = folder; ; at = dirname(at)) {
    const manifest = await readManifest(join(at, 'package.json'));
    if (manifest) return { folder: at, manifest };
    if (at === dirname(at)) return undefined;
  }
}

async function isPlugin(name: string, folder: string): Promise<boolean> {
  for (const place of createRequire(join(folder, 'package.json')).resolve.paths(name) ?? []) {
    const manifest = await readManifest(join(place, name, 'package.json'));
    if (manifest) return Array.isArray(manifest.keywords) && manifest.keywords.includes(pluginKeyword);
  }
  return false;
}

async function readManifest(path: string): Promise<Manifest | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Manifest;
  } catch {
    // Not there, or another program's business.
    return undefined;
  }
}
