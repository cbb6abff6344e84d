import type { Engine, Model } from '@secateur/core';
import { type Constant, constantOf, sizeOf, toFloat32 } from '@secateur/graph';
import { createPipeline } from '@secateur/pipelines';
import { nodeEngine, wasmEngineInNode } from '@secateur/runtime/node';
import { relativeError } from '@secateur/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadModel } from '../src/index.js';

/** A weight without the smaller two of every four inputs, for four outputs together. */
async function halved(constant: Constant): Promise<Constant> {
  const value = await constant.read();
  const weights = Float32Array.from(toFloat32(value));
  const [outputs, inputs] = value.shape as [number, number];
  const taps = sizeOf(value.shape.slice(2));
  const places = (row: number, input: number): number[] =>
    [0, 1, 2, 3].flatMap((r) => Array.from({ length: taps }, (_, t) => ((row + r) * inputs + input) * taps + t));
  for (let row = 0; row < outputs; row += 4) {
    for (let first = 0; first < inputs; first += 4) {
      const sizes = [0, 1, 2, 3].map((i) => {
        const at = places(row, first + i);
        return { at, size: at.reduce((sum, k) => sum + Math.abs(weights[k]!), 0) };
      });
      for (const { at } of sizes.sort((a, b) => a.size - b.size).slice(0, 2)) for (const k of at) weights[k] = 0;
    }
  }
  return constantOf({ dtype: 'float32', shape: value.shape, data: weights }, constant.parameter);
}

describe('a model of the zoo with 2:4 masks of whole kernels', () => {
  let model: Model;
  beforeAll(async () => {
    model = await loadModel('zoo:fashion-ddpm-32');
    const constants = new Map(model.graph.constants);
    for (const [name, constant] of constants) {
      const [outputs = 1, inputs = 1] = constant.shape;
      if (constant.shape.length >= 2 && outputs % 4 === 0 && inputs % 4 === 0)
        constants.set(name, await halved(constant));
    }
    model = { ...model, graph: { ...model.graph, constants } };
  });

  async function pictures(engine: Engine): Promise<Float32Array> {
    const pipeline = await createPipeline(model, { engine, sampler: 'ddim' });
    const { raw } = await pipeline({ count: 2, steps: 8, seed: 3 });
    await pipeline.dispose();
    return toFloat32(raw);
  }

  it('makes the same pictures on wasm, on the memory-saving variant of it and on onnxruntime', async () => {
    const expected = await pictures(await nodeEngine({ threads: 1 }));
    const levels = (values: Float32Array): number[] => [...values].map((value) => Math.round(127.5 * (value + 1)));
    for (const memory of ['fast', 'small'] as const) {
      const made = await pictures(await wasmEngineInNode({ memory }));
      // Eight steps of Winograd's rounding, some 1e-5: a hundredth of a grey level.
      expect(relativeError(made, expected)).toBeLessThan(1e-4);
      const different = levels(made).filter((level, i) => Math.abs(level - levels(expected)[i]!) > 1);
      expect(different).toEqual([]);
    }
  });
});
