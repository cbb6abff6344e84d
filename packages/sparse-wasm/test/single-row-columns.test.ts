import { beforeAll, expect, it } from 'vitest';
import { createConvolution } from '../src/convolution.js';
import { packWeights } from '../src/pack-weights.js';
import type { Runtime } from '../src/runtime.js';
import { buildTimeout } from './support/modules.js';
import { maskOf, testRuntime, uniform } from './support/runtime.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await testRuntime();
}, buildTimeout);

it('measures once, and leaves no memory behind', () => {
  const held = runtime.arena.usedBytes;
  const columns = runtime.singleRowColumns();
  expect([16, 32]).toContain(columns);
  expect(runtime.singleRowColumns()).toBe(columns);
  expect(runtime.arena.usedBytes).toBe(held);
});

it('gives the same bits with 16 columns and with 32, direct and by Winograd', () => {
  const shape = { outputs: 5, inputs: 20, kernel: [3, 3] as const };
  const packed = packWeights(uniform(1, 900), shape, { mask: maskOf('single', shape), mr: 1 });
  const { arena } = runtime;
  const x = arena.upload(uniform(2, 20 * 13 * 9));
  for (const algorithm of ['direct', 'winograd-f2', 'winograd-f4'] as const) {
    const [narrow, wide] = ([16, 32] as const).map((columns) => {
      const own = { ...runtime, singleRowColumns: () => columns };
      const layer = createConvolution(own, packed, { height: 13, width: 9, algorithm });
      const y = arena.alloc(4 * layer.outputSize);
      layer.run({ at: x, channels: 20 }, y);
      return arena.f32(y, layer.outputSize).slice();
    });
    expect(wide).toEqual(narrow);
  }
});
