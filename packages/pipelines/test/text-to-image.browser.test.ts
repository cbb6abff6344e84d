import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadFixtureTensors } from '@secateur/testkit';
import { withBrowserPage } from '@secateur/testkit/browser';
import { expect, it } from 'vitest';
import type { Drawn } from './pages/text-to-image.js';
import { tinyFiles } from './tiny-pipeline.js';

const entry = fileURLToPath(new URL('./pages/text-to-image.ts', import.meta.url));

// The call of the case `sd-plain`, which diffusers drew: see tools/reference/pipelines.py.
const prompts = ['a photo of a red sneaker', 'An oil painting of the sea, highly detailed'];
const request = { negativePrompt: ['blurry, low quality', ''], steps: 4, guidanceScale: 7.5, seed: 3 };

it('draws in Chromium what diffusers draws, and fetches nothing from elsewhere', async () => {
  const place = await mkdtemp(join(tmpdir(), 'secateur-page-'));
  try {
    const contents = await tinyFiles('sd');
    const files: Record<string, string> = {};
    for (const [i, [path, bytes]] of Object.entries(contents).entries()) {
      files[path] = join(place, String(i));
      await writeFile(files[path], bytes);
    }
    await withBrowserPage({ entry, files }, async (page) => {
      const { raw, ...rest } = await page.call<Drawn>('draw', Object.keys(contents), prompts, request);
      // Four steps of PNDM are five calls of the model; two pictures each.
      expect(rest).toEqual({ previews: 10, warnings: [], foreign: [] });
      const expected = loadFixtureTensors('pipelines/sd-plain.safetensors').images.data as Float32Array;
      const unit = raw.map((value) => Math.min(Math.max(value / 2 + 0.5, 0), 1));
      const worst = unit.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
      expect(worst).toBeLessThan(1e-4);
    });
  } finally {
    await rm(place, { recursive: true });
  }
});
