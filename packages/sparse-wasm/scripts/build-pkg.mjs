// node scripts/build-pkg.mjs [--if-stale]: compiles the kernels and writes pkg/ (baseline SIMD) and pkg-relaxed/ (relaxed SIMD),
// each with the targets bundler, web and nodejs as wasm-pack would, and pkg-parallel/ and pkg-parallel-relaxed/ over shared
// memory, for the web target alone as is usual for threads.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import asc from 'assemblyscript/asc';
import { glue, NAME } from './generate/glue.mjs';
import { moduleSources, packageFolder, parametersOf, sourceModule } from './generate/sources.mjs';

const targets = ['bundler', 'web', 'nodejs'];
const variants = [
  { folder: 'pkg', isa: 'simd', isShared: false, targets },
  { folder: 'pkg-relaxed', isa: 'relaxed', isShared: false, targets },
  { folder: 'pkg-parallel', isa: 'simd', isShared: true, targets: ['web'] },
  { folder: 'pkg-parallel-relaxed', isa: 'relaxed', isShared: true, targets: ['web'] },
];

/** Optimised, no runtime, no imports: JavaScript owns the memory, kernels take pointers. 4 GiB at most. */
const flags = [
  '-O3',
  '--noAssert',
  '--runtime',
  'stub',
  '--use',
  'abort=',
  '--enable',
  'simd',
  '--initialMemory',
  '16',
];

const relaxedFlags = ['--enable', 'relaxed-simd'];
const sharedFlags = ['--enable', 'threads', '--importMemory', '--sharedMemory', '--maximumMemory', '65536'];

async function compile(files, { isa, isShared }) {
  let binary;
  const { error, stderr } = await asc.main(
    [
      'index.ts',
      ...flags,
      ...(isa === 'relaxed' ? relaxedFlags : []),
      ...(isShared ? sharedFlags : []),
      '--outFile',
      'module.wasm',
    ],
    {
      readFile: (name) => files.get(name) ?? null,
      writeFile: (_name, contents) => (binary = contents),
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`AssemblyScript: ${error.message}\n${stderr}`);
  return binary;
}

function sourceHash() {
  const hash = createHash('sha256');
  for (const file of ['package.json', 'README.md', 'src/kernels.list.ts', 'src/features.ts', 'scripts/build-pkg.mjs']) {
    hash.update(readFileSync(join(packageFolder, file)));
  }
  for (const folder of ['assembly', 'scripts/generate']) {
    for (const name of readdirSync(join(packageFolder, folder)).sort()) {
      hash.update(readFileSync(join(packageFolder, folder, name)));
    }
  }
  return hash.digest('hex');
}

const stampFile = join(packageFolder, 'node_modules/.cache/pkg-sources');

export function isStale() {
  if (!variants.every(({ folder }) => existsSync(join(packageFolder, folder)))) return true;
  return !existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== sourceHash();
}

export async function buildPackages() {
  const hash = sourceHash();
  const { kernelsOf } = await sourceModule('kernels.list.ts');
  const { simdProbe, relaxedProbe } = await sourceModule('features.ts');
  const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
  for (const variant of variants) {
    const { folder, isa, isShared } = variant;
    const kernels = kernelsOf(isa);
    const probe = isa === 'relaxed' ? relaxedProbe : simdProbe;
    const files = moduleSources(kernels);
    const binary = await compile(files, variant);
    const parameters = parametersOf(files);
    const functions = kernels.map(({ name }) => [name, parameters.get(name)]);
    // Made beside its place and moved, so that nobody ever reads half a package.
    const made = join(packageFolder, `${folder}.${process.pid}.tmp`);
    for (const target of variant.targets) {
      const into = join(made, target);
      mkdirSync(into, { recursive: true });
      writeFileSync(join(into, `${NAME}_bg.wasm`), binary);
      for (const [name, text] of Object.entries(glue(target, { functions, isa, probe, isShared, version }))) {
        writeFileSync(join(into, name), text);
      }
      for (const name of ['README.md', 'LICENSE']) cpSync(join(packageFolder, name), join(into, name));
    }
    rmSync(join(packageFolder, folder), { recursive: true, force: true });
    renameSync(made, join(packageFolder, folder));
  }
  mkdirSync(join(packageFolder, 'node_modules/.cache'), { recursive: true });
  writeFileSync(stampFile, hash);
}

if (!process.argv.includes('--if-stale') || isStale()) await buildPackages();
