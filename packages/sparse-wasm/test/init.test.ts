import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { allowRelaxedSimd, buildOnce, buildTimeout, moduleBytes } from './support/modules.js';

beforeAll(buildOnce, buildTimeout);
// The instance belongs to the module: every test takes a fresh one.
beforeEach(() => vi.resetModules());
afterEach(() => vi.restoreAllMocks());

it('init in Node reads the module that comes with the package, once', async () => {
  const { default: init, createRuntime } = await import('../src/node.js');
  const exports = await init();
  expect(exports.memory).toBeInstanceOf(WebAssembly.Memory);
  expect(await init({ relaxed: true })).toBe(exports);
  const runtime = createRuntime();
  expect(runtime.kernels).toBe(exports);
  expect(runtime).toMatchObject({ isa: 'simd', hasRelaxedDot: false });
});

it('init with relaxed takes the relaxed module where the engine has it, and the baseline elsewhere', async () => {
  allowRelaxedSimd();
  const { default: init, createRuntime } = await import('../src/node.js');
  expect(await init({ relaxed: true })).toHaveProperty('f32_spmm_block_4x8__relaxed');
  expect(createRuntime().isa).toBe('relaxed');
  expect(createRuntime({ isa: 'simd' }).isa).toBe('simd');
  vi.resetModules();
  const features = await import('../src/features.js');
  vi.spyOn(WebAssembly, 'validate').mockImplementation((bytes) => (bytes as Uint8Array).length < 35);
  expect([features.hasSimd(), features.hasRelaxedSimd()]).toEqual([true, false]);
  const baseline = await import('../src/node.js');
  expect(await baseline.default({ relaxed: true })).not.toHaveProperty('f32_spmm_block_4x8__relaxed');
});

it('init takes bytes, a module, a Response, and promises of them; initSync bytes or a module', async () => {
  const compiled = await WebAssembly.compile(moduleBytes('simd'));
  for (const module_or_path of [
    moduleBytes('simd'),
    compiled,
    new Response(moduleBytes('simd')),
    Promise.resolve(compiled),
  ]) {
    vi.resetModules();
    const { default: init } = await import('../src/index.js');
    expect(await init({ module_or_path })).toHaveProperty('f32_add__simd');
  }
  for (const module of [moduleBytes('simd'), compiled]) {
    vi.resetModules();
    const { initSync } = await import('../src/index.js');
    const exports = initSync({ module });
    expect(initSync({ module })).toBe(exports);
  }
});

it('says what is missing: SIMD, a file, or the call of init', async () => {
  const { default: init, createRuntime } = await import('../src/index.js');
  expect(() => createRuntime()).toThrow(expect.objectContaining({ code: 'NOT_INITIALISED' }));
  await expect(init({ module_or_path: new Response('', { status: 404 }) })).rejects.toThrow('404');
  vi.spyOn(WebAssembly, 'validate').mockReturnValue(false);
  await expect(init({ module_or_path: moduleBytes('simd') })).rejects.toMatchObject({ code: 'NO_SIMD' });
});
