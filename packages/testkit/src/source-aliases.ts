import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** One rule of vite's `resolve.alias`. */
export interface SourceAlias {
  find: RegExp;
  replacement: string;
}

/** The workspace's folder, ending in a slash. */
export const workspaceRoot: string = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * Rules that make `@secateur/x` mean the source file and `@secateur/x/y` the entry `src/y.ts`, so that tests and bundles
 * for the browser need no build, and a failing line is the line in the editor.
 */
export function sourceAliases(): SourceAlias[] {
  const packages = `${workspaceRoot}packages`;
  const anyMethod = readdirSync(`${packages}/methods`).join('|');
  return [
    { find: new RegExp(`^@secateur/(${anyMethod})$`), replacement: `${packages}/methods/$1/src/index.ts` },
    { find: new RegExp(`^@secateur/(${anyMethod})/(.+)$`), replacement: `${packages}/methods/$1/src/$2.ts` },
    { find: /^@secateur\/([a-z-]+)$/, replacement: `${packages}/$1/src/index.ts` },
    { find: /^@secateur\/([a-z-]+)\/(.+)$/, replacement: `${packages}/$1/src/$2.ts` },
  ];
}
