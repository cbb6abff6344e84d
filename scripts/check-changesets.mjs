// node scripts/check-changesets.mjs: every change to a published package since main has a changeset, and the pending
// changesets name packages that exist. The first half needs git and a branch `main`; without them it says so.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pnpm } from './pnpm.mjs';
import { packageFolders, readJson, root } from './workspace.mjs';

const names = new Set(packageFolders().map((folder) => readJson(join(root, folder, 'package.json')).name));
let failed = false;
for (const file of readdirSync(join(root, '.changeset'))) {
  if (!file.endsWith('.md') || file === 'README.md') continue;
  const header = readFileSync(join(root, '.changeset', file), 'utf8').split('---')[1] ?? '';
  const bumps = [...header.matchAll(/^['"]?([^'":\s]+)['"]?:\s*(\S+)$/gm)];
  if (bumps.length === 0) console.log(`.changeset/${file}: names no package.`);
  for (const [, name, bump] of bumps) {
    if (names.has(name) && /^(?:major|minor|patch)$/.test(bump)) continue;
    console.log(`.changeset/${file}: ${name}: ${bump} is not a bump of a package of this workspace.`);
    failed = true;
  }
  failed ||= bumps.length === 0;
}

const hasMain = spawnSync('git', ['rev-parse', '--verify', '--quiet', 'main'], { cwd: root }).status === 0;
if (!hasMain) console.log('changeset status: SKIPPED: there is no git branch `main` to compare with.');
else if ((await pnpm(['exec', 'changeset', 'status'])) !== 0) failed = true;
process.exit(failed ? 1 : 0);
