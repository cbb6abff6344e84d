import { couple, evaluateGraph } from '@secateur/graph';
import { expectClose } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { countParameters, randomWeights, sd3Transformer2DModel, weightsFrom } from '../../src/index.js';
import { asTensor } from '../support/fixtures.js';
import {
  declared,
  expectCovered,
  expectLibraryGradients,
  expectLibraryOutput,
  expectLibraryTensors,
  expectRemovableModules,
  readFixture,
  readTransformerVariant,
  savedAndLoaded,
  weightsWithout,
} from '../support/model-class.js';
import { cutTies, expectRandomRemovals } from '../support/removal.js';

const variants = ['large', 'medium', 'computed', 'layer-norm', 'plain-norm'].map((name) => `sd3-${name}`);
const fixture = () => readFixture('sd3');
const anyCase = (name: string) => (name === 'sd3' ? fixture() : readTransformerVariant(name));

describe('sd3Transformer2DModel.tensors', () => {
  // As diffusers counts them; the table of positions is none of them.
  it('counts exactly the parameters of SD3 medium', () => {
    const medium = {
      num_layers: 24,
      num_attention_heads: 24,
      caption_projection_dim: 1536,
      pos_embed_max_size: 192,
    };
    expect(countParameters(sd3Transformer2DModel.tensors(medium))).toBe(2_028_328_000);
  });

  it.each(['sd3', ...variants])('names the tensors of diffusers: %s', (name) => {
    expectLibraryTensors(sd3Transformer2DModel, anyCase(name));
  });

  it('starts with the table of positions that diffusers computes', async () => {
    const { config, weights } = fixture();
    const table = await randomWeights(config, 1).get('pos_embed.pos_embed').read();
    const stored = await weights.get('pos_embed.pos_embed')!.read();
    // Sines of float32 angles up to 4.
    expectClose(table.data as Float32Array, asTensor(stored as never).data as Float32Array, 1e-6, 'pos_embed');
  });
});

describe('sd3Transformer2DModel.build', () => {
  it.each(['sd3', ...variants])('computes what diffusers computes: %s', (name) => {
    expectLibraryOutput(sd3Transformer2DModel, anyCase(name));
  });

  it('has the gradients that PyTorch has', () => {
    expectLibraryGradients(sd3Transformer2DModel, fixture());
  });

  it('declares inputs and outputs with symbolic sizes', () => {
    expect(declared(sd3Transformer2DModel.outline(fixture().config), { batch: 3, height: 8, width: 12 })).toEqual({
      inputs: [
        'hidden_states float32 [batch, 3, height, width]',
        'encoder_hidden_states float32 [batch, tokens, 5]',
        'pooled_projections float32 [batch, 6]',
        'timestep float32 [batch]',
      ],
      out: [3, 3, 8, 12],
    });
  });
});

describe('what can be removed from an SD3', () => {
  it.each(['sd3', 'sd3-medium'])('covers 99 %% of the parameters and more: %s', (name) => {
    expectCovered(sd3Transformer2DModel, anyCase(name), /^tied to the model's output/);
  });

  it('finds heads of both streams together, both inner dimensions with their norms, and both streams', () => {
    const { config, weights } = anyCase('sd3-medium');
    const { groups } = couple(sd3Transformer2DModel.build(config, weightsFrom(weights)));
    const attention = 'transformer_blocks.0.attn';
    const slicesOf = (id: string) =>
      groups
        .find((group) => group.id === id)!
        .slices.map(({ tensor, axis, perUnit }) => `${tensor.replace(`${attention}.`, '')}:${axis} x${perUnit}`)
        .filter((slice) => !slice.includes('.bias:'));
    const rows = (names: string[], perUnit: number) => names.map((name) => `${name}.weight:0 x${perUnit}`);
    expect(slicesOf(`${attention}.to_q.weight:0:head`).sort()).toEqual(
      [
        ...rows(['add_q_proj', 'add_k_proj', 'add_v_proj', 'to_q', 'to_k', 'to_v'], 4),
        'to_out.0.weight:1 x4',
        'to_add_out.weight:1 x4',
      ].sort(),
    );
    expect(slicesOf(`${attention}.to_q.weight:0:head-dim`).sort()).toEqual(
      [
        ...rows(['add_q_proj', 'add_k_proj', 'to_q', 'to_k'], 2),
        ...rows(['norm_q', 'norm_k', 'norm_added_q', 'norm_added_k'], 1),
      ].sort(),
    );
    expect(slicesOf(`${attention}.to_v.weight:0:head-dim`).sort()).toEqual(
      [...rows(['add_v_proj', 'to_v'], 2), 'to_out.0.weight:1 x2', 'to_add_out.weight:1 x2'].sort(),
    );
    expect(slicesOf('pos_embed.proj.weight:0')).toEqual(
      expect.arrayContaining([
        'pos_embed.pos_embed:2 x1',
        'transformer_blocks.0.norm1.linear.weight:0 x9',
        'transformer_blocks.1.norm1.linear.weight:0 x6',
        'norm_out.linear.weight:0 x2',
      ]),
    );
    expect(slicesOf('context_embedder.weight:0')).toEqual(
      expect.arrayContaining([
        'transformer_blocks.0.norm1_context.linear.weight:0 x6',
        'transformer_blocks.2.norm1_context.linear.weight:0 x2',
      ]),
    );
  });

  it.each(['sd3', 'sd3-medium', 'sd3-computed'])('equals the model rebuilt from sliced weights: %s', (name) => {
    const { config, weights, feeds } = anyCase(name);
    expectRandomRemovals({ modelClass: sd3Transformer2DModel, config, weights, feeds }, 1);
  });

  it.each(['sd3', 'sd3-medium'])('can do without each module: %s', async (name) => {
    await expectRemovableModules(sd3Transformer2DModel, anyCase(name));
  });

  it('can do without a norm that serves nothing that is left', async () => {
    const model = fixture();
    const { config } = model;
    const block = 'transformer_blocks.1';
    const removed = [`${block}.attn`];
    const left = weightsWithout(sd3Transformer2DModel, model, removed);
    for (const name of ['weight', 'bias']) left.delete(`${block}.norm1_context.linear.${name}`);
    const { out } = evaluateGraph(sd3Transformer2DModel.build(config, weightsFrom(left), { removed }), model.feeds);
    const whole = sd3Transformer2DModel.build(
      config,
      weightsFrom(weightsWithout(sd3Transformer2DModel, model, removed)),
      { removed },
    );
    expect(out).toEqual(evaluateGraph(whole, model.feeds).out);
  });
});

describe('sd3Transformer2DModel.expressibleConfig', () => {
  const model = readTransformerVariant('sd3-medium');
  const { config, weights } = model;
  const without = (...removed: string[]) =>
    sd3Transformer2DModel.build(config, weightsFrom(weightsWithout(sd3Transformer2DModel, model, removed)), {
      removed,
    });

  it('is the configuration itself for a model that was not pruned', () => {
    expect(sd3Transformer2DModel.expressibleConfig(config, without())).toBe(config);
  });

  it('says fewer blocks, and where second attentions are then', async () => {
    const graph = without('transformer_blocks.0');
    expect(sd3Transformer2DModel.expressibleConfig(config, graph)).toEqual({
      ...config,
      num_layers: 2,
      dual_attention_layers: [1],
    });
    const loaded = await savedAndLoaded(sd3Transformer2DModel, config, graph);
    expect(evaluateGraph(loaded, model.feeds).out).toEqual(evaluateGraph(graph, model.feeds).out);
  });

  it('has no block that leads the text on in the place of the last, and no half block', () => {
    expect(sd3Transformer2DModel.expressibleConfig(config, without('transformer_blocks.2.attn2'))).toBeUndefined();
    expect(sd3Transformer2DModel.expressibleConfig(config, without('transformer_blocks.2'))).toBeUndefined();
  });

  it('says fewer heads, when everything was cut as the ties say', () => {
    const coupling = couple(sd3Transformer2DModel.build(config, weightsFrom(weights)));
    const ties = sd3Transformer2DModel.ties(config, coupling, 1);
    expect(ties.ties.map(({ name, steps }) => [name, steps])).toEqual([['width', 2]]);
    const graph = cutTies(coupling, ties, 0.5);
    expect(sd3Transformer2DModel.expressibleConfig(config, graph)).toEqual({
      ...config,
      num_attention_heads: 1,
      caption_projection_dim: 4,
    });
  });
});
