import { random } from '@secateur/baselines';
import {
  channels,
  type Engine,
  type Model,
  memoryFolder,
  memoryOutput,
  parametersOf,
  prune,
  structured,
} from '@secateur/core';
import { couple, gradient, type Tensor, toFloat32 } from '@secateur/graph';
import { onnxFormat } from '@secateur/onnx';
import { nodeEngine } from '@secateur/runtime/node';
import { namedWeights } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { inCheckpointLayout } from '../../src/check/check-model.js';
import { feedsOf, loadExported, numbersOf, readExported, relativeTo, shapesIn, targetOf } from './exported.js';

/**
 * At least an older and a newer export of every family, with operator sets from 11 to 23. `mayStay`: the smallest share of
 * parameters that units cover; a text encoder ends in its residual stream, so that of its embeddings none can be cut.
 */
const exports: [name: string, covered: number][] = [
  ['unet2d-legacy-11', 0.99],
  ['unet2d-dynamo-18', 0.99],
  ['unet2d-scale-shift-dynamo-23', 0.99],
  ['sd1-optimum-18-fp16', 0.99],
  ['sd1-dynamo-23', 0.99],
  ['sd2-legacy-14', 0.99],
  ['sdxl-optimum-18', 0.99],
  ['sdxl-dynamo-21', 0.99],
  ['dit-legacy-17', 0.99],
  ['dit-dynamo-20', 0.99],
  ['pixart-optimum-18', 0.99],
  ['pixart-dynamo-20-static', 0.99],
  ['sd35-legacy-18', 0.99],
  ['sd35-dynamo-23', 0.99],
  ['flux-legacy-17', 0.99],
  ['flux-dynamo-23', 0.99],
  ['vae-encoder-optimum-18', 0.99],
  ['vae-encoder-dynamo-20', 0.99],
  ['vae-decoder-legacy-17', 0.99],
  ['vae-decoder-dynamo-23', 0.99],
  ['clip-optimum-18', 0.75],
  ['clip-projection-dynamo-23', 0.99],
  ['t5-legacy-17-unfolded', 0.85],
  ['t5-dynamo-23', 0.85],
];

/** Reasons for which a parameter may lie in no unit: what the model gives and takes, and tables of embeddings. */
const fair = /the model's (output|input)|rows are chosen at run time/;

/** Output and gradients as design §9 asks; half precision keeps 11 bits, and sums of products lose some of them. */
const tolerances = { single: { out: 1e-4, gradient: 1e-3 }, half: { out: 5e-3, gradient: 5e-2 } };

describe.each(exports)('%s', (name, covered) => {
  const exported = readExported(name);
  const tolerance = tolerances[exported.half ? 'half' : 'single'];

  it('has the checkpoint’s names and shapes', async () => {
    const found = shapesIn(await loadExported(name, exported));
    for (const parameter of new Set(Object.values(exported.weights).map((weight) => weight.parameter))) {
      expect([parameter, found[parameter]]).toEqual([parameter, exported.shapes[parameter]]);
    }
    expect(Object.keys(exported.gradients).filter((parameter) => !found[parameter])).toEqual([]);
  });

  it('computes what PyTorch computes, gradients and other sizes included', async () => {
    const model = await loadExported(name, exported);
    const engine = await nodeEngine({ threads: 1 });
    const { name: output, dtype } = model.graph.outputs[0]!;
    const parameters = parametersOf(model.graph);
    const names = Object.keys(exported.gradients);
    const graph = gradient(model.graph, {
      loss: { kind: 'mse', output, target: 'target' },
      wrt: names.map((parameter) => parameters.get(parameter)!.value),
      keepOutputs: true,
    });
    const feeds = { ...feedsOf(model, exported.inputs), target: targetOf(exported, dtype) };
    const results = await run(engine, { ...model, graph }, feeds);
    expect(relativeTo(toFloat32(results[output]!), numbersOf(exported.out))).toBeLessThan(tolerance.out);
    expect(Math.abs(Number(toFloat32(results.loss!)[0]) / exported.loss - 1)).toBeLessThan(tolerance.out);
    const largest = Math.max(...names.map((parameter) => exported.gradients[parameter]![1]));
    for (const parameter of names) {
      const { value, constant } = parameters.get(parameter)!;
      const found = toFloat32(inCheckpointLayout(results[`grad.${value}`]!, constant));
      const [product, size] = exported.gradients[parameter]!;
      const probe = namedWeights(`probe.${parameter}`, [found.length, 1]);
      const sum = found.reduce((total, number, i) => total + number * probe[i]!, 0);
      // Independent errors of every element, each within the tolerance, add up like the root of their number.
      const scale = Math.max(size, largest * (exported.half ? 1e-2 : 1e-4)) * Math.sqrt(found.length);
      expect([parameter, Math.abs(sum - product) / scale < tolerance.gradient]).toEqual([parameter, true]);
    }
    const elsewhere = await run(engine, model, feedsOf(model, exported.other.inputs));
    expect(elsewhere[output]!.shape).toEqual(exported.other.shape);
    expect(relativeTo(toFloat32(elsewhere[output]!), numbersOf(exported.other))).toBeLessThan(tolerance.out);
  });

  it('is coupled, but for what the model gives and takes', async () => {
    const { graph } = await loadExported(name, exported);
    const coupling = couple(graph);
    expect(coupling.covered / coupling.parameters).toBeGreaterThan(covered);
    expect(coupling.notPruned.filter(({ reason }) => !fair.test(reason))).toEqual([]);
  });

  it('is pruned, saved and read again: the same numbers, the same free axes', async () => {
    const model = await loadExported(name, exported);
    const method = structured({ criterion: random() });
    const { model: pruned } = await prune(model, {
      method,
      ratio: 0.4,
      space: channels,
      normGroups: 'preserve',
      seed: 3,
    });
    expect(sizeOfModel(pruned)).toBeLessThan(0.9 * sizeOfModel(model));
    const out = memoryOutput();
    await onnxFormat.save(pruned, out);
    await out.commit();
    const again = await onnxFormat.load({ folder: memoryFolder(Object.fromEntries(out.files)) });
    expect(again.graph.inputs).toEqual(pruned.graph.inputs);
    expect(again.graph.outputs).toEqual(pruned.graph.outputs);
    const engine = await nodeEngine({ threads: 1 });
    for (const inputs of [exported.inputs, exported.other.inputs]) {
      const feeds = feedsOf(model, inputs);
      const [before, after] = [await run(engine, pruned, feeds), await run(engine, again, feeds)];
      const output = model.graph.outputs[0]!.name;
      expect(after[output]!.shape).toEqual(before[output]!.shape);
      expect(relativeTo(toFloat32(after[output]!), toFloat32(before[output]!))).toBeLessThan(
        exported.half ? 1e-3 : 1e-5,
      );
    }
  });
});

function sizeOfModel({ graph }: Model): number {
  return [...parametersOf(graph).values()].reduce(
    (sum, { constant }) => sum + constant.shape.reduce((product, size) => product * size, 1),
    0,
  );
}

async function run(engine: Engine, { graph }: Pick<Model, 'graph'>, feeds: Record<string, Tensor>) {
  const executable = await engine.compile(graph, { threads: 1 });
  try {
    return await executable.run(feeds);
  } finally {
    await executable.dispose();
  }
}
