// node scripts/check-imports.mjs [ROOT]: imports only point down the layers. Prints file:line and what is wrong.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import ts from 'typescript';
import { filesBelow, isMain, packageFolders, readJson, root } from './workspace.mjs';

/**
 * The layers, top first. A package may import what stands on a lower line, or to its left on its own line. Packages in
 * an inner list are equals and import none of each other.
 */
export const layers = [
  ['demo', 'secateur', 'create-secateur-plugin'],
  [['baselines', 'diff-pruning', 'laptop-diff', 'sparsedm', 'snapfusion', 'ecodiff', 'improved-sd', 'obs-diff']],
  ['transformers', 'samplers', 'pipelines', 'train', 'metrics', 'quantize', 'report', 'zoo'],
  ['safetensors', 'onnx', 'diffusers', 'runtime'],
  ['core'],
  ['graph'],
  ['sparse-wasm', 'testkit'],
];

/** Where Node's own modules may be used in a package's sources. */
const nodeEntry = /\/src\/node(\.ts$|\/)/;
const nodePackages = new Set(['secateur', 'testkit']);

const shortName = (name) => name.replace(/^@secateur\//, '');

/** `[line, column]` of a package; equals share a column. */
function place(name) {
  for (const [line, entries] of layers.entries()) {
    const column = entries.findIndex((entry) => [entry].flat().includes(name));
    if (column >= 0) return [line, column];
  }
  return undefined;
}

export function mayImport(from, to) {
  const [a, b] = [place(from), place(to)];
  if (!a || !b) return false;
  return b[0] > a[0] || (b[0] === a[0] && b[1] < a[1]);
}

/** Every module specifier of a source file with its line: static and dynamic imports, re-exports, type imports. */
export function specifiersOf(source) {
  return ts.preProcessFile(source, true, true).importedFiles.map(({ fileName, pos }) => ({
    specifier: fileName,
    line: source.slice(0, pos).split('\n').length,
  }));
}

function complaint(file, specifier, owner) {
  const inTest = file.startsWith(`${owner.folder}/test/`);
  if (specifier.startsWith('node:')) {
    if (inTest || nodePackages.has(owner.name) || nodeEntry.test(file)) return undefined;
    return `imports ${specifier}. Only cli, src/node.ts (and src/node/), scripts and tests may use Node's modules.`;
  }
  if (specifier.startsWith('.')) {
    const target = posix.join(dirname(file), specifier);
    return target.startsWith(`${owner.folder}/`) ? undefined : `imports ${specifier}, which leaves the package.`;
  }
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  const inTestOnly = owner.dev.has(name) || owner.rootDev.has(name);
  if (name !== owner.fullName && !owner.declared.has(name) && !(inTest && inTestOnly)) {
    return owner.dev.has(name)
      ? `imports ${name}, a devDependency: only tests may.`
      : `imports ${name}, which ${owner.folder}/package.json does not declare.`;
  }
  if (!name.startsWith('@secateur/') && name !== 'secateur') return undefined;
  if (inTest || name === owner.fullName) return undefined;
  if (place(shortName(name)) === undefined) return `imports ${name}, which has no place in scripts/check-imports.mjs.`;
  return mayImport(owner.name, shortName(name)) ? undefined : `imports ${name}, which is not below ${owner.fullName}.`;
}

/** All violations below `base`, as `file:line: message`. */
export function checkImports(base = root) {
  const found = [];
  const rootManifest = readJson(join(base, 'package.json'));
  const rootDev = new Set(Object.keys(rootManifest.devDependencies ?? {}));
  for (const folder of packageFolders(base)) {
    const manifest = readJson(join(base, folder, 'package.json'));
    const keys = (field) => Object.keys(manifest[field] ?? {});
    const owner = {
      folder,
      fullName: manifest.name,
      name: shortName(manifest.name),
      declared: new Set([...keys('dependencies'), ...keys('optionalDependencies'), ...keys('peerDependencies')]),
      dev: new Set(keys('devDependencies')),
      rootDev,
    };
    if (place(owner.name) === undefined)
      found.push(`${folder}/package.json:1: ${manifest.name} has no place in scripts/check-imports.mjs.`);
    if (!existsSync(join(base, folder, 'src'))) continue;
    for (const file of [...filesBelow(`${folder}/src`, base), ...filesBelow(`${folder}/test`, base)]) {
      if (!/\.[mc]?[tj]sx?$/.test(file)) continue;
      for (const { specifier, line } of specifiersOf(readFileSync(join(base, file), 'utf8'))) {
        const message = complaint(file, specifier, owner);
        if (message) found.push(`${file}:${line}: ${message}`);
      }
    }
  }
  return found;
}

if (isMain(import.meta.url)) {
  const found = checkImports(process.argv[2] ?? root);
  for (const message of found) console.log(message);
  console.log(found.length === 0 ? 'Imports point down the layers.' : `${found.length} imports break the layers.`);
  process.exit(found.length === 0 ? 0 : 1);
}
