// node scripts/check-packages.mjs: packs every public package as it would be published, lints the tarballs with publint
// and attw, then installs them all into an empty project with npm and imports every entry point. Needs a build.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pnpmOrExit } from './pnpm.mjs';
import { packageFolders, readJson, root } from './workspace.mjs';

const temporary = mkdtempSync(join(tmpdir(), 'secateur-packages-'));
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }));
const problems = [];

/** Runs a tool; on failure its output is shown and noted. */
function attempt(label, command, args, options = {}) {
  const shell = process.platform === 'win32';
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8', shell, ...options });
  if (status === 0) return true;
  console.log(`${label}: failed\n${stdout}${stderr}`);
  problems.push(label);
  return false;
}

const bin = (name) => join(root, 'node_modules/.bin', name);

async function pack(folder) {
  const into = mkdtempSync(join(temporary, 'pack-'));
  await pnpmOrExit(['--dir', folder, 'pack', '--pack-destination', into], { stdout: 'ignore' });
  return join(into, readdirSync(into)[0]);
}

/** What a published package must have, which the linters do not look at. */
function checkContents(name, tarball) {
  const listed = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).split('\n');
  for (const file of ['README.md', 'LICENSE', 'package.json']) {
    if (!listed.includes(`package/${file}`)) problems.push(`${name}: the tarball has no ${file}`);
  }
  for (const file of listed) {
    const source = file.replace('/dist/', '/src/').replace(/\.js$/, '.ts');
    if (/\/dist\/.*\.js$/.test(file) && !listed.includes(source)) {
      problems.push(`${name}: ${file} is left over from an older build; remove dist and build again`);
    }
  }
  const manifest = execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], { encoding: 'utf8' });
  if (/"(?:workspace|catalog):/.test(manifest)) problems.push(`${name}: a workspace-only version was published`);
  const parsed = JSON.parse(manifest);
  for (const field of ['description', 'license', 'engines']) {
    if (!parsed[field]) problems.push(`${name}: package.json has no "${field}"`);
  }
}

/** Imports every entry point of the installed packages; one that needs an absent optional peer may say so. */
const importAll = `
import { readFileSync } from 'node:fs';
let failed = 0;
for (const name of process.argv.slice(1)) {
  const manifest = JSON.parse(readFileSync('node_modules/' + name + '/package.json', 'utf8'));
  const optional = Object.keys({ ...manifest.peerDependencies, ...manifest.optionalDependencies });
  for (const key of Object.keys(manifest.exports)) {
    if (key.endsWith('.json') || key.endsWith('/*')) continue;
    const entry = name + key.slice(1);
    try {
      await import(entry);
    } catch (error) {
      const absent = optional.find((peer) => error.code === 'ERR_MODULE_NOT_FOUND' && error.message.includes("'" + peer));
      if (absent) console.log(entry + ': needs ' + absent + ', which is not installed here');
      else { failed++; console.log(entry + ': ' + error.stack); }
    }
  }
}
process.exit(failed ? 1 : 0);
`;

/** An empty npm project that installs the tarballs, without optional packages: the least a user can have. */
function checkInstalled(packed) {
  const project = mkdtempSync(join(temporary, 'project-'));
  const files = Object.fromEntries(packed.map(({ name, tarball }) => [name, `file:${tarball}`]));
  const manifest = { name: 'empty', private: true, type: 'module', dependencies: files, overrides: files };
  writeFileSync(join(project, 'package.json'), JSON.stringify(manifest));
  const flags = ['install', '--omit=optional', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  if (!attempt('npm install of the tarballs', 'npm', flags, { cwd: project })) return;
  const names = packed.map(({ name }) => name);
  attempt('importing every entry point', process.execPath, ['--input-type=module', '-e', importAll, ...names], {
    cwd: project,
  });
  attempt('secateur --help', join(project, 'node_modules/.bin/secateur'), ['--help'], { cwd: project });
}

const packed = [];
for (const folder of packageFolders()) {
  const { name, private: isPrivate } = readJson(join(root, folder, 'package.json'));
  if (isPrivate) continue;
  if (!existsSync(join(root, folder, 'dist'))) {
    console.log(`${folder} has no dist: run npm run build first.`);
    process.exit(1);
  }
  const tarball = await pack(folder);
  packed.push({ name, tarball });
  checkContents(name, tarball);
  const linted = attempt(`publint ${name}`, bin('publint'), ['run', tarball, '--strict']);
  const typed = attempt(`attw ${name}`, bin('attw'), [tarball, '--profile', 'esm-only', '--no-color']);
  if (linted && typed) console.log(`${name}: publint and attw find nothing`);
}
checkInstalled(packed);
for (const problem of problems) console.log(`✗ ${problem}`);
console.log(problems.length === 0 ? `${packed.length} packages are fit to publish.` : `${problems.length} problems.`);
process.exitCode = problems.length === 0 ? 0 : 1;
