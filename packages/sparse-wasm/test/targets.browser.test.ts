import { withBrowserPage } from '@secateur/testkit/browser';
import { beforeAll, expect, it } from 'vitest';
import type { LayerRun } from './pages/targets.js';
import { buildOnce, buildTimeout, packagePath } from './support/modules.js';
import { expectWithin, naiveConvolution } from './support/naive.js';
import { uniform } from './support/runtime.js';

beforeAll(buildOnce, buildTimeout);

it('pkg/bundler and pkg/web work in Chromium from a Vite build, and so do the layers with relaxed SIMD', async () => {
  await withBrowserPage({ entry: packagePath('test/pages/targets.ts') }, async (page) => {
    const silu = [1, 2, 3, 4].map((x) => expect.closeTo(x / (1 + Math.exp(-x)), 6));
    expect(await page.call('useBundler')).toEqual(silu);
    expect(await page.call('useWeb')).toEqual({ values: silu, same: true });

    const [weight, x] = [uniform(1, 8 * 8 * 9), uniform(2, 8 * 256)];
    const [flat, tokens] = [uniform(3, 16 * 32), uniform(4, 32 * 40)];
    const run = await page.call<LayerRun>('useLayers', weight, x, flat, tokens);
    expect(run).toMatchObject({ isa: 'relaxed', hasRelaxedDot: true });
    const shape = { outputs: 8, inputs: 8, kernel: [3, 3] as const, height: 16, width: 16, batch: 1, stride: 1 };
    const naive = naiveConvolution(x, weight, { ...shape, padding: [1, 1, 1, 1] });
    // As in convolution.test.ts; the border has few products, so the floor is the middle's.
    const magnitude = naive.magnitude.map((value) => Math.max(value, 10));
    expectWithin(run.convolution, naive.y, magnitude, 4e-5, 'convolution');
    const linear = naiveConvolution(tokens, flat, {
      ...{ outputs: 16, inputs: 32, kernel: [1, 1], height: 1, width: 40 },
      ...{ batch: 1, stride: 1, padding: [0, 0, 0, 0] },
    });
    // Eight-bit weights and seven-bit activations: steps of 1/127 and 1/63, a hundredth of the sum of magnitudes at most.
    expectWithin(run.linear, linear.y, linear.magnitude, 1e-2, 'linear');
  });
});
