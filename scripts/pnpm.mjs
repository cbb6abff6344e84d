// node scripts/pnpm.mjs ARGS...: pnpm of exactly the version in package.json's `packageManager`, from PATH if it is
// there, else through npx. So plain Node and npm are enough to work on this repository.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { isMain, isStamped, lockFingerprint, readJson, root, run, runOrExit, stamp } from './workspace.mjs';

let command;

function pnpmCommand() {
  if (command) return command;
  const wanted = readJson(join(root, 'package.json')).packageManager.replace('pnpm@', '');
  const npx = process.platform === 'win32' ? 'npx.cmd' : 'npx';
  command = versionOnPath() === wanted ? ['pnpm'] : [npx, '--yes', `pnpm@${wanted}`];
  return command;
}

function versionOnPath() {
  try {
    return execFileSync('pnpm', ['--version'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      shell: process.platform === 'win32',
      // Otherwise another pnpm would fetch the version that package.json names only to tell its number.
      env: { ...process.env, npm_config_manage_package_manager_versions: 'false' },
    }).trim();
  } catch {
    return undefined;
  }
}

/** Resolves to pnpm's exit code. */
export function pnpm(args, options) {
  const [program, ...before] = pnpmCommand();
  return run(program, [...before, ...args], options);
}

export async function pnpmOrExit(args, options) {
  const [program, ...before] = pnpmCommand();
  await runOrExit(program, [...before, ...args], options);
}

/** Installs exactly what the lock file says, unless that is done already. */
export async function install({ stdout } = {}) {
  const wanted = lockFingerprint();
  if (isStamped('installed', wanted)) return;
  // `CI` keeps pnpm from asking whether it may replace a node_modules made otherwise.
  await pnpmOrExit(['install', '--frozen-lockfile', '--prefer-offline'], { stdout, env: { CI: '1' } });
  stamp('installed', wanted);
}

if (isMain(import.meta.url)) process.exit(await pnpm(process.argv.slice(2)));
