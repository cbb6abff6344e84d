import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkImports, mayImport, specifiersOf } from '../check-imports.mjs';

let root;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'check-imports-'));
  write('package.json', '{"devDependencies":{"vitest":"*"}}');
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path, text) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function addPackage(folder, name, manifest = {}) {
  write(`${folder}/package.json`, JSON.stringify({ name, ...manifest }));
}

describe('mayImport', () => {
  it('lets packages import lower lines and the left of their own', () => {
    expect(mayImport('secateur', 'diff-pruning')).toBe(true);
    expect(mayImport('diff-pruning', 'core')).toBe(true);
    expect(mayImport('diffusers', 'safetensors')).toBe(true);
    expect(mayImport('pipelines', 'samplers')).toBe(true);
    expect(mayImport('core', 'graph')).toBe(true);
  });

  it('refuses the rest', () => {
    expect(mayImport('graph', 'core')).toBe(false);
    expect(mayImport('safetensors', 'diffusers')).toBe(false);
    expect(mayImport('samplers', 'pipelines')).toBe(false);
    expect(mayImport('baselines', 'diff-pruning')).toBe(false);
    expect(mayImport('diff-pruning', 'baselines')).toBe(false);
    expect(mayImport('core', 'core')).toBe(false);
    expect(mayImport('core', 'unheard-of')).toBe(false);
  });
});

describe('specifiersOf', () => {
  it('finds every form with its line, and nothing in comments', () => {
    const source = [
      "import a from 'one';",
      'import {',
      '  b,',
      '} from "two";',
      "export { c } from './three.js';",
      "import 'four';",
      "const d = await import('five');",
      "type E = import('six').E;",
      "// import f from 'commented';",
      '/** import g from "documented" */',
      "const url = 'http://x'; import h from 'seven';",
      "Buffer.from('png'); from('png');",
    ].join('\n');
    expect(specifiersOf(source)).toEqual([
      { specifier: 'one', line: 1 },
      { specifier: 'two', line: 4 },
      { specifier: './three.js', line: 5 },
      { specifier: 'four', line: 6 },
      { specifier: 'five', line: 7 },
      { specifier: 'six', line: 8 },
      { specifier: 'seven', line: 11 },
    ]);
  });
});

describe('checkImports', () => {
  it('accepts a tree that keeps the rules', () => {
    addPackage('packages/graph', '@secateur/graph');
    addPackage('packages/core', '@secateur/core', {
      dependencies: { '@secateur/graph': '*' },
      devDependencies: { '@secateur/testkit': '*' },
      peerDependencies: { vitest: '*' },
    });
    write('packages/core/src/index.ts', "import { x } from '@secateur/graph';\nimport { y } from './deep/y.js';\n");
    write('packages/core/src/deep/y.ts', "import z from '../index.js';\nimport 'vitest';\n");
    write('packages/core/src/node.ts', "import 'node:fs';\n");
    write('packages/core/src/node/files.ts', "import 'node:fs';\n");
    write(
      'packages/core/test/index.test.ts',
      "import '../src/index.js';\nimport 'node:fs';\nimport '@secateur/testkit';\n",
    );
    expect(checkImports(root)).toEqual([]);
  });

  it('names file, line and rule of each violation', () => {
    addPackage('packages/graph', '@secateur/graph', { dependencies: { '@secateur/core': '*' } });
    write(
      'packages/graph/src/index.ts',
      "\nimport '@secateur/core';\nimport 'node:fs';\nimport '../../core/src/index.js';\n",
    );
    addPackage('packages/methods/baselines', '@secateur/baselines', {
      dependencies: { '@secateur/diff-pruning': '*' },
      devDependencies: { '@secateur/testkit': '*' },
    });
    write(
      'packages/methods/baselines/src/index.ts',
      "import '@secateur/diff-pruning';\nimport '@secateur/testkit';\nimport 'left-pad';\n",
    );
    addPackage('packages/new', '@secateur/new');
    expect(checkImports(root)).toEqual([
      'packages/graph/src/index.ts:2: imports @secateur/core, which is not below @secateur/graph.',
      "packages/graph/src/index.ts:3: imports node:fs. Only cli, src/node.ts (and src/node/), scripts and tests may use Node's modules.",
      'packages/graph/src/index.ts:4: imports ../../core/src/index.js, which leaves the package.',
      'packages/methods/baselines/src/index.ts:1: imports @secateur/diff-pruning, which is not below @secateur/baselines.',
      'packages/methods/baselines/src/index.ts:2: imports @secateur/testkit, a devDependency: only tests may.',
      'packages/methods/baselines/src/index.ts:3: imports left-pad, which packages/methods/baselines/package.json does not declare.',
      'packages/new/package.json:1: @secateur/new has no place in scripts/check-imports.mjs.',
    ]);
  });
});
