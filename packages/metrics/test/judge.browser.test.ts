import { fileURLToPath } from 'node:url';
import { nodeEngine } from '@secateur/runtime/node';
import { withBrowserPage } from '@secateur/testkit/browser';
import { zooImages, zooPath } from '@secateur/zoo/node';
import { expect, it } from 'vitest';
import { fd, kid, ssim } from '../src/index.js';
import { fashionFeatures } from './support/fashion-features.js';

const entry = fileURLToPath(new URL('./pages/judge.ts', import.meta.url));
const files = { 'classifier.onnx': zooPath('fashion-classifier') };

// Features are float32 of another build of onnxruntime: 1e-4, as for all engines.
it('judges pictures in Chromium as in Node', async () => {
  const [actual, reference] = [await zooImages({ count: 80 }), await zooImages({ offset: 80, count: 80 })];
  const features = await fashionFeatures(await nodeEngine());
  const [a, b] = [await features.extract(actual), await features.extract(reference)];
  const wanted = {
    'fd(fashion-classifier)': (await fd().compare(a, b)).value,
    'kid(fashion-classifier)': (await kid({ subsets: 5 }).compare(a, b)).value,
    ssim: (await ssim().compare(actual, reference)).value,
  };
  await withBrowserPage({ entry, files }, async (page) => {
    const found = await page.call<Record<string, number>>('judge', 'classifier.onnx', actual.data, reference.data);
    expect(Object.keys(found)).toEqual(Object.keys(wanted));
    for (const [name, value] of Object.entries(wanted)) {
      expect(Math.abs(found[name] - value), name).toBeLessThan(1e-4 * Math.abs(value));
    }
  });
  await features.dispose?.();
});
