import {
  type Coupling,
  couple,
  evaluateGraph,
  type Group,
  type Removal,
  removeUnits,
  sliceConstant,
} from '@secateur/graph';
import { expectClose, loadFixtureTensors, seededRandom } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { buildUNet2DCondition, outlineUNet2DCondition, overridesOf, weightsFrom } from '../../src/index.js';
import { constantsOf, feedsOf, readJson } from '../support/fixtures.js';

const fixtures = ['unet2d-cond-sd1', 'unet2d-cond-sdxl'];

function load(name: string) {
  const config = readJson(`${name}/config.json`);
  const weights = constantsOf(`${name}/diffusion_pytorch_model.safetensors`);
  const graph = buildUNet2DCondition(config, weightsFrom(weights));
  return { config, weights, graph, feeds: feedsOf(loadFixtureTensors(`${name}/golden.safetensors`)) };
}

describe.each(fixtures)('coupling of %s', (name) => {
  const { graph } = load(name);
  const coupling = couple(graph);
  const prefix = 'down_blocks.1.attentions.0.transformer_blocks.0'.replace(/1/, name.endsWith('sd1') ? '0' : '1');
  const groupOf = (id: string): Group => coupling.groups.find((group) => group.id === id)!;
  const slices = (group: Group) =>
    group.slices.map(({ tensor, axis, perUnit }) => `${tensor.replace(`${prefix}.`, '')}:${axis} x${perUnit}`);

  it('covers 99 % of the parameters and more, and says why it leaves the others', () => {
    console.info(
      `${name}: ${coupling.covered} of ${coupling.parameters} parameters; not covered:\n` +
        coupling.notPruned.map((one) => `  ${one.tensor}:${one.axis} ${one.parameters} ${one.reason}`).join('\n'),
    );
    expect(coupling.covered / coupling.parameters).toBeGreaterThan(0.99);
    for (const { reason } of coupling.notPruned) expect(reason).toMatch(/model's (?:in|out)put|no parameter produces/);
  });

  it.each(['attn1', 'attn2'])('finds heads and both inner dimensions: %s', (attention) => {
    const heads = groupOf(`${prefix}.${attention}.to_q.weight:0:head`);
    expect(slices(heads)).toEqual(
      [
        `${attention}.to_q.weight:0 x8`,
        `${attention}.to_k.weight:0 x8`,
        `${attention}.to_v.weight:0 x8`,
        `${attention}.to_out.0.weight:1 x8`,
      ].map((slice) =>
        slice.replace(/x8$/, `x${graph.constants.get(`${prefix}.${attention}.to_q.weight`)!.shape[0]! / heads.size}`),
      ),
    );
    const queries = groupOf(`${prefix}.${attention}.to_q.weight:0:head-dim`);
    const values = groupOf(`${prefix}.${attention}.to_v.weight:0:head-dim`);
    const names = (group: Group) =>
      group.slices.map(({ tensor, axis }) => `${tensor.replace(`${prefix}.${attention}.`, '')}:${axis}`);
    expect(names(queries)).toEqual(['to_q.weight:0', 'to_k.weight:0']);
    expect(names(values)).toEqual(['to_v.weight:0', 'to_out.0.weight:1']);
    for (const { perUnit } of [...queries.slices, ...values.slices]) expect(perUnit).toBe(heads.size);
  });

  it('finds GEGLU neurons: rows i and i + n in, column i out', () => {
    const neurons = groupOf(`${prefix}.ff.net.0.proj.weight:0`);
    expect(slices(neurons)).toEqual(['ff.net.0.proj.weight:0 x2', 'ff.net.0.proj.bias:0 x2', 'ff.net.2.weight:1 x1']);
    const n = neurons.size;
    expect(n).toBe(graph.constants.get(`${prefix}.ff.net.2.weight`)!.shape[1]);
    expect([...neurons.slices[0]!.indices.slice(6, 8)]).toEqual([3, 3 + n]);
    expect(neurons.slices[2]!.indices[3]).toBe(3);
  });
});

describe.each(fixtures)('removal from %s', (name) => {
  it.each([1, 2, 3])('equals the model rebuilt from sliced weights: seed %i', (seed) => {
    const { config, weights, graph, feeds } = load(name);
    const coupling = couple(graph);
    const cut = removeUnits(coupling, randomRemoval(coupling, seed));
    const sliced = new Map(
      [...weights].map(([tensor, constant]) => [tensor, sliceConstant(constant, cut.kept.get(tensor) ?? new Map())]),
    );
    const { heads } = overridesOf(cut.graph, outlineUNet2DCondition(config));
    const rebuilt = buildUNet2DCondition(config, weightsFrom(sliced), { heads });

    expect(cut.kept.size).toBeGreaterThan(100);
    const [a, b] = [evaluateGraph(cut.graph, feeds), evaluateGraph(rebuilt, feeds)];
    // The same arithmetic in the same order; 1e-5 leaves room for nothing but a reordered sum.
    expectClose(a.out.data as Float32Array, b.out.data as Float32Array, 1e-5, 'out');
  });
});

/** From every group some units: of normed ones the same number from each norm group, so that norms stay divisible. */
function randomRemoval(coupling: Coupling, seed: number): Removal {
  const random = seededRandom(seed);
  const normed = new Set(coupling.norms.flatMap(({ channels }) => channels.map((channel) => channel?.group)));
  const normGroups = coupling.norms[0]!.groups;
  const removal = new Map<string, number[]>();
  for (const group of coupling.groups) {
    const cells = normed.has(group.id) ? normGroups : 1;
    const size = group.size / cells;
    const count = Math.floor(random() * Math.min(size, 1 + size / 2));
    const units: number[] = [];
    for (let cell = 0; cell < cells; cell++) {
      const order = Array.from({ length: size }, (_, i) => [random(), cell * size + i] as const).sort(
        ([a], [b]) => a - b,
      );
      units.push(...order.slice(0, count).map(([, unit]) => unit));
    }
    removal.set(group.id, units);
  }
  return removal;
}
