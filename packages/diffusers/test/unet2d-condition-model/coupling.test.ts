import { couple, type Group } from '@secateur/graph';
import { loadFixtureTensors } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { unet2dConditionModel, weightsFrom } from '../../src/index.js';
import { constantsOf, feedsOf, readJson } from '../support/fixtures.js';
import { expectRandomRemovals } from '../support/removal.js';

const fixtures = ['unet2d-cond-sd1', 'unet2d-cond-sdxl'];

function load(name: string) {
  const config = readJson(`${name}/config.json`);
  const weights = constantsOf(`${name}/diffusion_pytorch_model.safetensors`);
  const graph = unet2dConditionModel.build(config, weightsFrom(weights));
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
  it.each([1, 2])('equals the model rebuilt from sliced weights, all kinds and each kind alone: seed %i', (seed) => {
    const { config, weights, feeds } = load(name);
    expectRandomRemovals({ modelClass: unet2dConditionModel, config, weights, feeds }, seed);
  });
});
