// The AssemblyScript of one module: the files in assembly/ with what is generated from src/kernels.list.ts.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { gemmF32, spmmF32, spmmInteger } from './spmm.mjs';
import { winogradInput, winogradOutput } from './winograd.mjs';

export const packageFolder = fileURLToPath(new URL('../..', import.meta.url));

/** The exports of a file in src/ that imports nothing; no build needed. */
export async function sourceModule(name) {
  const source = readFileSync(join(packageFolder, 'src', name), 'utf8');
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputText).toString('base64')}`);
}

const writers = { spmm: spmmF32, dense: spmmF32, gemm: gemmF32, pair: spmmInteger, quad: spmmInteger };

/** Files by name for the compiler; `index.ts` exports exactly the kernels given. */
export function moduleSources(kernels) {
  const files = new Map();
  for (const name of readdirSync(join(packageFolder, 'assembly'))) {
    files.set(name, readFileSync(join(packageFolder, 'assembly', name), 'utf8'));
  }
  const generated = kernels.filter(({ family }) => writers[family]).map((kernel) => writers[kernel.family](kernel));
  for (const m of [2, 4]) generated.push(winogradInput(m), winogradOutput(m));
  files.set('generated.ts', generated.join('\n\n'));

  const places = new Map();
  for (const [file, text] of files) {
    for (const [, name] of text.matchAll(/^export function (\w+)\(/gm)) places.set(name, file.replace(/\.ts$/, ''));
  }
  const lines = kernels.map(({ name }) => {
    if (!places.has(name)) throw new Error(`src/kernels.list.ts names ${name}, which no source defines.`);
    return `export { ${name} } from './${places.get(name)}';`;
  });
  files.set('index.ts', `${lines.join('\n')}\n`);
  return files;
}

/** Parameter names of every kernel, from its signature. */
export function parametersOf(files) {
  const found = new Map();
  for (const text of files.values()) {
    for (const [, name, list] of text.matchAll(/^export function (\w+)\(([^)]*)\): void/gm)) {
      found.set(
        name,
        list.split(',').flatMap((part) => part.trim().split(':')[0].trim() || []),
      );
    }
  }
  return found;
}
