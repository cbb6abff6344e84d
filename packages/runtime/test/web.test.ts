import { describe, expect, it } from 'vitest';
import type { OrtModule } from '../src/index.js';
import { webEngine } from '../src/web.js';

/** The settings of a module of onnxruntime-web, without the rest: these engines compile nothing. */
function fakeOrt() {
  const env = { versions: { common: '1.2.3', web: '1.2.3' }, wasm: {} as Record<string, unknown> };
  return { env, ort: { env } as unknown as OrtModule };
}

describe('webEngine', () => {
  it('is ort-web on WASM by default and leaves the page settings alone', async () => {
    const { env, ort } = fakeOrt();
    const engine = await webEngine({ ort });
    expect(engine.name).toBe('ort-web');
    expect(await engine.describe()).toBe('onnxruntime-web 1.2.3, wasm, default threads');
    expect(env.wasm).toEqual({});
  });

  it('is ort-webgpu on WebGPU, with WASM for what WebGPU lacks', async () => {
    const engine = await webEngine({ ort: fakeOrt().ort, provider: 'webgpu' });
    expect(engine.name).toBe('ort-webgpu');
    expect(await engine.describe()).toContain('webgpu+wasm');
  });

  it('hands threads and paths to onnxruntime-web', async () => {
    const { env, ort } = fakeOrt();
    await webEngine({ ort, threads: 3, wasmPaths: '/assets/' });
    expect(env.wasm).toEqual({ numThreads: 3, wasmPaths: '/assets/' });
    await expect(webEngine({ ort, threads: 0 })).rejects.toMatchObject({ code: 'BAD_OPTION' });
    expect(env.wasm.numThreads).toBe(3);
  });
});
