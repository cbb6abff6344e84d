import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { withBrowserPage } from '../src/browser.js';
import { fixturePath } from '../src/index.js';

const entry = fileURLToPath(new URL('./pages/environment.ts', import.meta.url));
const golden = fixturePath('unet2d-tiny/golden.safetensors');

describe('withBrowserPage', () => {
  it('gives an isolated page with threads and WebGPU, whose exports can be called', async () => {
    await withBrowserPage({ entry, files: { 'golden.safetensors': golden } }, async (page) => {
      const environment = await page.call<Record<string, unknown>>('environment');
      expect(environment).toMatchObject({ crossOriginIsolated: true, sharedMemory: true, webgpu: true });
      expect(environment.agent).toContain('Chrome');
      expect(await page.call('doubled', new Float32Array([1, -2.5]))).toEqual(new Float32Array([2, -5]));
      expect(await page.call('lengthOf', 'golden.safetensors')).toBe(statSync(golden).size);
      await expect(page.call('failing')).rejects.toThrow('seven is out of range');
      await expect(page.call('absent')).rejects.toThrow('exports no function absent');
    });
  });
});
