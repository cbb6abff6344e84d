// node scripts/build.mjs: installs what is missing and builds every package into its dist/.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { install, pnpmOrExit } from './pnpm.mjs';
import { isMain, isStamped, root, sourceFingerprint, stamp } from './workspace.mjs';

export const cliPath = join(root, 'packages/cli/dist/bin.js');

export async function build({ stdout } = {}) {
  await install({ stdout });
  const sources = sourceFingerprint();
  await pnpmOrExit(['exec', 'turbo', 'run', 'build', '--output-logs=errors-only'], {
    stdout,
    env: { TURBO_TELEMETRY_DISABLED: '1' },
  });
  stamp('built', sources);
}

/** Builds only when a source has changed since the last build through these scripts. */
export async function buildIfStale({ stdout } = {}) {
  if (!existsSync(cliPath) || !isStamped('built', sourceFingerprint())) await build({ stdout });
}

if (isMain(import.meta.url)) await build();
