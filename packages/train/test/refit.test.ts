import { magnitude } from '@secateur/baselines';
import { localRanking, type Model, prune, structured } from '@secateur/core';
import { referenceEngine } from '@secateur/core/conformance';
import {
  constantOf,
  float32,
  type Graph,
  GraphBuilder,
  ints,
  parameterNamed,
  symbol,
  toFloat32,
} from '@secateur/graph';
import { calibration, createSampler } from '@secateur/samplers';
import { expectClose, seededTensor } from '@secateur/testkit';
import { correctBias, type PrunedModel, refit } from '@secateur/train';
import { describe, expect, it } from 'vitest';
import { solveSymmetric } from '../src/recovery/solve.js';
import { tinyDenoiser } from './support/tiny-denoiser.js';

const sampler = createSampler({ _class_name: 'DDPMScheduler' });
const data = calibration({ images: seededTensor(3, [16, 2, 2, 2]), sampler, noise: 1 });
const engine = referenceEngine();

async function outputsOf(graph: Graph): Promise<Float32Array> {
  const executable = await engine.compile(graph);
  const all: number[] = [];
  for await (const { feeds } of data.batches({ timesteps: [100, 700] })) {
    const given = Object.fromEntries(executable.inputs.map((name) => [name, feeds[name]]));
    all.push(...toFloat32((await executable.run(given)).out));
  }
  return Float32Array.from(all);
}

const distance = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0);

/** A hidden unit that repeats another, and the model without it. */
function twin(): { dense: Model; pruned: PrunedModel } {
  const full = tinyDenoiser();
  const of = (name: string) => toFloat32(full.graph.constants.get(name)!.value!).slice();
  const [w, b, v] = [of('first.weight'), of('first.bias'), of('second.weight')];
  w.copyWithin(24, 0, 8);
  b[3] = b[0];
  const replace = (model: Model, values: Record<string, [readonly number[], Float32Array]>): Model => {
    const constants = new Map(model.graph.constants);
    for (const [name, [shape, value]] of Object.entries(values)) {
      constants.set(name, constantOf(float32(shape, value), parameterNamed(name, shape)));
    }
    return { ...model, graph: { ...model.graph, constants } };
  };
  const dense = replace(full, { 'first.weight': [[4, 8], w], 'first.bias': [[4], b] });
  const model = replace(full, {
    'first.weight': [[3, 8], w.slice(0, 24)],
    'first.bias': [[3], b.slice(0, 3)],
    'second.weight': [[8, 3], v.filter((_, i) => i % 4 !== 3)],
  });
  const first = [0, 1, 2];
  const kept = new Map([
    ['first.weight', new Map([[0, first]])],
    ['first.bias', new Map([[0, first]])],
    ['second.weight', new Map([[1, first]])],
  ]);
  return { dense, pruned: { model, kept } };
}

describe('refit', () => {
  it('gives a unit that repeats a removed one its weights', async () => {
    const { dense, pruned } = twin();
    const before = distance(await outputsOf(pruned.model.graph), await outputsOf(dense.graph));
    const { model, layers } = await refit(dense, pruned, { engine, data, ridge: 1e-9 });
    expect(layers.map(({ name }) => name)).toEqual(['second.weight']);
    expect(layers[0].before).toBeGreaterThan(0.01);
    // Sums of float32 products: what is left is their rounding.
    expect(layers[0].after).toBeLessThan(1e-5);
    expect(before).toBeGreaterThan(1);
    expect(distance(await outputsOf(model.graph), await outputsOf(dense.graph))).toBeLessThan(1e-4 * before);
    const [old, now] = await Promise.all(
      [dense, model].map(({ graph }) => graph.constants.get('second.weight')!.read()),
    );
    const [w, v] = [toFloat32(old), toFloat32(now)];
    expectClose([v[0], v[1]], [w[0] + w[3], w[1]], 1e-2);
  });

  it('holds weights where they are with a strong ridge', async () => {
    const { dense, pruned } = twin();
    const { model } = await refit(dense, pruned, { engine, data, ridge: 1e9 });
    const weightOf = async ({ graph }: Model) => toFloat32(await graph.constants.get('second.weight')!.read());
    expectClose(await weightOf(model), await weightOf(pruned.model), 1e-6);
  });

  it('is exact for convolutions whose removed channels were combinations of others', async () => {
    const conv = (channels: number, weights: Record<string, Float32Array>): Model => {
      const b = new GraphBuilder('conv', 18);
      const batch = symbol('batch');
      b.input('sample', 'float32', [batch, 2, 6, 6]);
      const weight = (name: string, shape: number[]) =>
        b.constant(name, constantOf(float32(shape, weights[name]), parameterNamed(name, shape)));
      const pads = { pads: ints([1, 1, 1, 1]) };
      const hidden = b.op('Conv', ['sample', weight('a.weight', [channels, 2, 3, 3])], pads);
      b.output(
        b.op('Conv', [hidden, weight('b.weight', [2, channels, 3, 3]), weight('b.bias', [2])], pads),
        'float32',
        [batch, 2, 6, 6],
        'out',
      );
      return { name: 'conv', graph: b.build(), format: 'test', sizes: {}, files: async () => [] };
    };
    const [a, b, bias] = [seededTensor(1, [4, 18]).data, seededTensor(2, [2, 36]).data, seededTensor(4, [2]).data];
    // Channel 3 is the sum of the first two.
    for (let i = 0; i < 18; i++) a[54 + i] = a[i] + a[18 + i];
    const dense = conv(4, { 'a.weight': a, 'b.weight': b, 'b.bias': bias });
    const without = b.filter((_, i) => Math.floor(i / 9) % 4 !== 3);
    const model = conv(3, { 'a.weight': a.slice(0, 54), 'b.weight': without, 'b.bias': bias });
    const kept = new Map([
      ['a.weight', new Map([[0, [0, 1, 2]]])],
      ['b.weight', new Map([[1, [0, 1, 2]]])],
    ]);
    const pictures = calibration({ images: seededTensor(9, [4, 2, 6, 6]), sampler, noise: 1 });
    const { layers } = await refit(dense, { model, kept }, { engine, data: pictures, ridge: 1e-9, timesteps: [300] });
    expect(layers).toHaveLength(1);
    expect(layers[0].before).toBeGreaterThan(0.05);
    expect(layers[0].after).toBeLessThan(1e-5);
  });

  it('brings the outputs of a pruned model closer to the dense ones', async () => {
    const dense = tinyDenoiser({ width: 12 });
    const method = structured({ criterion: magnitude(), selector: localRanking() });
    const result = await prune(dense, { method, ratio: 0.5 });
    const pruned = { model: result.model, kept: result.cut!.kept };
    const target = await outputsOf(dense.graph);
    const before = distance(await outputsOf(pruned.model.graph), target);
    const refitted = await refit(dense, pruned, { engine, data });
    expect(distance(await outputsOf(refitted.model.graph), target)).toBeLessThan(0.7 * before);
    for (const layer of refitted.layers) expect(layer.after).toBeLessThan(layer.before);
  });

  it('refuses layers that are not there', async () => {
    const { dense, pruned } = twin();
    await expect(refit(dense, pruned, { engine, data, layers: ['nothing'] })).rejects.toMatchObject({
      code: 'BAD_OPTION',
      field: 'layers',
    });
  });
});

describe('correctBias', () => {
  it('gives every output channel the dense model’s mean', async () => {
    const { dense, pruned } = twin();
    const { model, layers } = await correctBias(dense, pruned, { engine, data, timesteps: [100, 700] });
    expect(layers.at(-1)!.before).toBeGreaterThan(1e-3);
    expect(layers.at(-1)!.after).toBeLessThan(1e-9);
    const means = (out: Float32Array) =>
      Array.from({ length: 8 }, (_, k) => out.reduce((sum, value, i) => (i % 8 === k ? sum + value : sum), 0));
    expectClose(means(await outputsOf(model.graph)), means(await outputsOf(dense.graph)), 1e-4);
  });
});

describe('solveSymmetric', () => {
  it('solves X M = R', () => {
    // [1 2] M = [1*4 + 2*2, 1*2 + 2*3]
    const r = Float64Array.of(8, 8);
    solveSymmetric(Float64Array.of(4, 2, 2, 3), r, 2);
    expectClose(r, [1, 2], 1e-12);
  });
  it('refuses a matrix that is not positive definite', () => {
    expect(() => solveSymmetric(Float64Array.of(1, 1, 1, 1), Float64Array.of(1, 1), 2)).toThrow(/pivot 1 of 2 is 0/);
  });
});
