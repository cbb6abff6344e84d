import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { kernelsOf } from '../src/kernels.list.js';
import { allowRelaxedSimd, buildOnce, buildTimeout, moduleBytes, packagePath } from './support/modules.js';

beforeAll(buildOnce, buildTimeout);
afterEach(() => vi.restoreAllMocks());

interface Glue {
  wasm_memory(): WebAssembly.Memory;
  f32_silu__simd(dst: number, src: number, n: number): void;
}

interface WebGlue extends Glue {
  default(input?: unknown): Promise<WebAssembly.Exports>;
  initSync(input?: unknown): WebAssembly.Exports;
}

/** A module as Node loads it, not as vitest does; `query` gives a fresh instance. */
const importFresh = (path: string, query: string): Promise<unknown> =>
  import(/* @vite-ignore */ `${pathToFileURL(packagePath(path)).href}?${query}`);

const freshWeb = async (query: string) => (await importFresh('pkg/web/sparse_wasm.js', query)) as WebGlue;

function expectSilu({ wasm_memory, f32_silu__simd }: Glue): void {
  const floats = new Float32Array(wasm_memory().buffer, 4096, 4);
  floats.set([1, 2]);
  f32_silu__simd(4104, 4096, 2);
  expect(floats[2]).toBeCloseTo(1 / (1 + Math.exp(-1)), 6);
  expect(floats[3]).toBeCloseTo(2 / (1 + Math.exp(-2)), 6);
}

const json = (path: string) => JSON.parse(readFileSync(packagePath(path), 'utf8'));

describe('pkg/nodejs', () => {
  it('by require and by import', async () => {
    const required = createRequire(import.meta.url)(packagePath('pkg/nodejs/sparse_wasm.js')) as Glue;
    expectSilu(required);
    expectSilu((await importFresh('pkg/nodejs/sparse_wasm.js', 'import')) as Glue);
    expect(json('pkg/nodejs/package.json')).not.toHaveProperty('type');
  });

  it('has the relaxed module as well', () => {
    allowRelaxedSimd();
    expectSilu(createRequire(import.meta.url)(packagePath('pkg-relaxed/nodejs/sparse_wasm.js')) as Glue);
  });
});

describe('pkg/web', () => {
  it('by initSync; every further call gives the first instance', async () => {
    const web = await freshWeb('sync');
    const exports = web.initSync({ module: moduleBytes('simd') });
    expectSilu(web);
    expect(web.initSync({ module: moduleBytes('simd') })).toBe(exports);
    expect(await web.default()).toBe(exports);
    expect(Object.keys(exports).sort()).toEqual([...kernelsOf('simd').map(({ name }) => name), 'memory'].sort());
  });

  it('by init with bytes, a module, a Response, and promises of them', async () => {
    const compiled = await WebAssembly.compile(moduleBytes('simd'));
    const response = () => new Response(moduleBytes('simd'), { headers: { 'Content-Type': 'application/wasm' } });
    for (const [i, module_or_path] of [
      moduleBytes('simd'),
      compiled,
      response(),
      Promise.resolve(response()),
      Promise.resolve(moduleBytes('simd')),
    ].entries()) {
      const web = await freshWeb(`init${i}`);
      await web.default({ module_or_path });
      expectSilu(web);
    }
  });

  it('falls back with a warning when the media type is wrong, and warns of bare arguments', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const typed = await freshWeb('type');
    await typed.default({
      module_or_path: new Response(moduleBytes('simd'), { headers: { 'Content-Type': 'text/plain' } }),
    });
    expectSilu(typed);
    expect(warn).toHaveBeenCalledTimes(1);
    const bare = await freshWeb('bare');
    bare.initSync(moduleBytes('simd'));
    expectSilu(bare);
    expect(warn.mock.calls[1][0]).toContain('deprecated');
  });

  it('loads once when two calls wait for one another', async () => {
    const web = await freshWeb('race');
    const [a, b] = await Promise.all([1, 2].map(() => web.default({ module_or_path: moduleBytes('simd') })));
    expect(a).toBe(b);
  });

  it('says what is missing where there is no SIMD', async () => {
    vi.spyOn(WebAssembly, 'validate').mockReturnValue(false);
    const web = await freshWeb('nosimd');
    expect(() => web.initSync({ module: moduleBytes('simd') })).toThrow(/no SIMD.*Chrome 91/);
    await expect(web.default({ module_or_path: moduleBytes('simd') })).rejects.toThrow(/no SIMD/);
  });
});

describe('pkg-parallel', () => {
  it('computes in two workers over one shared memory', async () => {
    const memory = new WebAssembly.Memory({ initial: 16, maximum: 16384, shared: true });
    const floats = new Float32Array(memory.buffer);
    for (let i = 0; i < 64; i++) floats[1024 + i] = i;
    const glue = pathToFileURL(packagePath('pkg-parallel/web/sparse_wasm.js')).href;
    const module = await WebAssembly.compile(readFileSync(packagePath('pkg-parallel/web/sparse_wasm_bg.wasm')));
    const code = `
      const { workerData: { glue, module, memory, first } } = require('node:worker_threads');
      import(glue).then(({ initSync, f32_add__simd, wasm_memory }) => {
        initSync({ module, memory });
        if (wasm_memory().buffer !== memory.buffer) throw new Error('another memory');
        f32_add__simd(8192 + 4 * first, 4096 + 4 * first, 4096 + 4 * first, 32);
      });`;
    await Promise.all(
      [0, 32].map(async (first) => {
        const worker = new Worker(code, { eval: true, workerData: { glue, module, memory, first } });
        const [exitCode] = await once(worker, 'exit');
        expect(exitCode).toBe(0);
      }),
    );
    expect([...floats.subarray(2048, 2112)]).toEqual(Array.from({ length: 64 }, (_, i) => 2 * i));
  });

  it('makes a shared memory when none is given', async () => {
    for (const folder of ['pkg-parallel', 'pkg-parallel-relaxed']) {
      if (folder.endsWith('relaxed')) allowRelaxedSimd();
      const web = (await importFresh(`${folder}/web/sparse_wasm.js`, 'own')) as WebGlue;
      const bytes = readFileSync(packagePath(`${folder}/web/sparse_wasm_bg.wasm`));
      await web.default({ module_or_path: bytes });
      expect(web.wasm_memory().buffer).toBeInstanceOf(SharedArrayBuffer);
      expectSilu(web);
    }
  });
});

describe('package.json of the targets', () => {
  it('has what wasm-pack writes', () => {
    expect(json('pkg/bundler/package.json')).toMatchObject({
      type: 'module',
      main: 'sparse_wasm.js',
      types: 'sparse_wasm.d.ts',
      files: ['sparse_wasm_bg.wasm', 'sparse_wasm.js', 'sparse_wasm_bg.js', 'sparse_wasm.d.ts'],
      sideEffects: ['./sparse_wasm.js', './snippets/*'],
    });
    expect(json('pkg/web/package.json')).toMatchObject({
      type: 'module',
      main: 'sparse_wasm.js',
      types: 'sparse_wasm.d.ts',
      files: ['sparse_wasm_bg.wasm', 'sparse_wasm.js', 'sparse_wasm.d.ts'],
      sideEffects: ['./snippets/*'],
    });
  });

  it('comes with glue of the form that bundlers rewrite', () => {
    const glue = readFileSync(packagePath('pkg/web/sparse_wasm.js'), 'utf8');
    expect(glue).toContain("new URL('sparse_wasm_bg.wasm', import.meta.url)");
    const bundler = readFileSync(packagePath('pkg/bundler/sparse_wasm.js'), 'utf8');
    expect(bundler).toContain('import * as wasm from "./sparse_wasm_bg.wasm";');
  });

  it('belongs to modules without imports', async () => {
    for (const isa of ['simd', 'relaxed'] as const) {
      if (isa === 'relaxed') allowRelaxedSimd();
      expect(WebAssembly.Module.imports(await WebAssembly.compile(moduleBytes(isa)))).toEqual([]);
    }
  });
});
