import { float32 } from '@secateur/graph';
import { expect, it } from 'vitest';
import { oneNode } from '../src/conformance/engine-graphs.js';
import { referenceEngine } from '../src/conformance.js';
import { defineEngine } from '../src/index.js';

it('defineEngine gives a plain object that hands its options on', async () => {
  const engine = defineEngine<{ provider: string }>({
    name: 'toy',
    apiVersion: 1,
    defaults: { provider: 'cpu' },
    describe: async ({ options }) => `toy on ${options.provider}`,
    compile: (graph, options) => referenceEngine().compile(graph, options),
  })({ provider: 'gpu' });
  expect(engine).toMatchObject({ kind: 'engine', name: 'toy', apiVersion: 1, options: { provider: 'gpu' } });
  expect(await engine.describe()).toBe('toy on gpu');
  const executable = await engine.compile(oneNode('Neg'));
  expect((await executable.run({ x: float32([2], [1, -2]) })).y.data).toEqual(Float32Array.of(-1, 2));
});
