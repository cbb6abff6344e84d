import { fileURLToPath } from 'node:url';
import { expectClose, fixturePath, loadFixtureTensors } from '@secateur/testkit';
import { withBrowserPage } from '@secateur/testkit/browser';
import { expect, it } from 'vitest';
import type { UnetFeeds, UnetRun } from './pages/run-onnx.js';

const entry = fileURLToPath(new URL('./pages/run-onnx.ts', import.meta.url));
const files = { 'model.onnx': fixturePath('unet2d-tiny/model.onnx') };
const golden = loadFixtureTensors('unet2d-tiny/golden.safetensors');
const feeds: UnetFeeds = {
  sample: golden['in.sample'].data as Float32Array,
  shape: [...golden['in.sample'].shape],
  timesteps: Array.from(golden['in.timestep'].data, Number),
};

// 1e-4 is what every engine is held to against PyTorch.
it('runs a U-Net in Chromium, on WASM with threads, on WebGPU and on our own kernels, as PyTorch does', async () => {
  await withBrowserPage({ entry, files }, async (page) => {
    for (const provider of ['wasm', 'webgpu'] as const) {
      const run = await page.call<UnetRun>('runUnet', 'model.onnx', provider, feeds);
      expect(run.engine).toBe(provider === 'wasm' ? 'ort-web' : 'ort-webgpu');
      expect(run.describe).toContain('2 threads');
      expectClose(run.out, golden.out.data, 1e-4, provider);
    }
    const run = await page.call<UnetRun>('runUnet', 'model.onnx', 'ours', feeds);
    expect(run.engine).toBe('wasm');
    expectClose(run.out, golden.out.data, 1e-4, 'wasm');
  });
});
