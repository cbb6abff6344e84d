// What every script here needs to know about the workspace. Importing this also checks the version of Node.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `Secateur needs Node 20.19 or newer; this is Node ${process.versions.node}. Install one from nodejs.org.`,
  );
  process.exit(2);
}

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Folders of all workspace packages: `packages/<name>`, `packages/methods/<name>`. Those with a package.json, sorted. */
export function packageFolders(base = root) {
  const folders = ['packages', 'packages/methods', 'apps'].flatMap((parent) =>
    existsSync(join(base, parent)) ? readdirSync(join(base, parent)).map((name) => `${parent}/${name}`) : [],
  );
  return folders.filter((folder) => existsSync(join(base, folder, 'package.json'))).sort();
}

/** Whether the module of this `import.meta.url` is the script that was started, not one that was imported. */
export function isMain(url) {
  return process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(url);
}

export function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** Files below `folder`, as paths with `/` relative to `base`, leaving out what `skip(name)` says. Sorted. */
export function filesBelow(folder, base = root, skip = (name) => name === 'node_modules' || name === 'dist') {
  const found = [];
  const visit = (path) => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (skip(entry.name)) continue;
      const full = join(path, entry.name);
      if (entry.isDirectory()) visit(full);
      else if (entry.isFile()) found.push(relative(base, full).split(sep).join('/'));
    }
  };
  if (existsSync(join(base, folder))) visit(join(base, folder));
  return found.sort();
}

/** Runs a command from the root; resolves to its exit code. `stdout`: 'inherit', 'ignore', or a stream to send it to. */
export function run(command, args, { env = {}, stdout = 'inherit', cwd = root } = {}) {
  const windows = process.platform === 'win32';
  const child = spawn(windows ? `"${command}"` : command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['inherit', stdout, 'inherit'],
    shell: windows,
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(signal ? 1 : code));
  });
}

/** Like {@link run}, but a failing command ends this script with the same code. */
export async function runOrExit(command, args, options) {
  const code = await run(command, args, options);
  if (code !== 0) process.exit(code);
}

const stampFolder = join(root, 'node_modules', '.cache', 'secateur');

/** Whether `name` was stamped with exactly this value. */
export function isStamped(name, value) {
  const path = join(stampFolder, name);
  return existsSync(path) && readFileSync(path, 'utf8') === value;
}

export function stamp(name, value) {
  const path = join(stampFolder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, value);
}

/** Changes whenever a file that the build reads changes. */
export function sourceFingerprint() {
  const hash = createHash('sha256').update(readFileSync(join(root, 'tsconfig.base.json')));
  for (const folder of packageFolders()) {
    const sources = ['src', 'assembly', 'scripts'].flatMap((part) => filesBelow(`${folder}/${part}`));
    for (const file of [`${folder}/package.json`, `${folder}/tsconfig.json`, ...sources]) {
      const { size, mtimeMs } = statSync(join(root, file));
      hash.update(`${file} ${size} ${mtimeMs}\n`);
    }
  }
  return hash.digest('hex');
}

/** Changes whenever what should be installed changes. */
export function lockFingerprint() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'pnpm-lock.yaml')))
    .digest('hex');
}
