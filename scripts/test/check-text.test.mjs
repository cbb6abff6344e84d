import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkText } from '../check-text.mjs';

let root;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'check-text-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path, text) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

it('finds paths, notes, unseeded numbers, narrowed tests, registries and logging, by file and line', () => {
  write('a.md', 'fine\nsee /home/someone/x\n');
  write('packages/graph/src/b.ts', '// TODO later\nconst r = Math.random();\nconsole.log(r);\n');
  write('packages/graph/test/c.test.ts', "it.only('x', f);\n");
  write('pnpm-lock.yaml', 'tarball: https://registry.example.org/x.tgz\n');
  expect(checkText(root)).toEqual([
    "a.md:2: a path of someone's machine: /home/someone/",
    'packages/graph/src/b.ts:1: unfinished work: TODO',
    'packages/graph/src/b.ts:2: results must follow from the seed: Math.random',
    'packages/graph/src/b.ts:3: libraries log through the injected logger: console.',
    'packages/graph/test/c.test.ts:1: it leaves all other tests out: it.only',
    'pnpm-lock.yaml:1: a registry host: https://registry',
  ]);
});

it('lets ordinary text through', () => {
  write('a.md', 'in a framework/root/file, see https://example.org/home/x, homework/\n');
  write('packages/cli/src/b.ts', 'console.log("printed");\n');
  write('packages/graph/node_modules/x/index.js', 'Math.random();\n');
  expect(checkText(root)).toEqual([]);
});
