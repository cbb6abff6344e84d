import { couple, evaluateGraph } from '@secateur/graph';
import { expectClose } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { countParameters, ditTransformer2DModel, weightsFrom } from '../../src/index.js';
import { readJson } from '../support/fixtures.js';
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
import { expectRandomRemovals } from '../support/removal.js';

const variants = ['larger', 'patches-of-4', 'pixels', 'three-heads', 'linear-silu'].map((name) => `dit-${name}`);
const fixture = () => readFixture('dit');
const anyCase = (name: string) => (name === 'dit' ? fixture() : readTransformerVariant(name));

describe('ditTransformer2DModel.tensors', () => {
  it('counts exactly the parameters of DiT-XL/2', () => {
    const config = readJson('configs/dit-xl-2-256/config.json');
    expect(countParameters(ditTransformer2DModel.tensors(config))).toBe(749_826_464);
  });

  it.each(['dit', ...variants])('names the tensors of diffusers: %s', (name) => {
    expectLibraryTensors(ditTransformer2DModel, anyCase(name));
  });
});

describe('ditTransformer2DModel.build', () => {
  it.each(['dit', ...variants])('computes what diffusers computes: %s', (name) => {
    expectLibraryOutput(ditTransformer2DModel, anyCase(name));
  });

  it('has the gradients that PyTorch has', () => {
    expectLibraryGradients(ditTransformer2DModel, fixture());
  });

  it('declares inputs and outputs with symbolic sizes', () => {
    expect(declared(ditTransformer2DModel.outline(fixture().config), { batch: 3, height: 8, width: 12 })).toEqual({
      inputs: [
        'hidden_states float32 [batch, 4, height, width]',
        'timestep int64 [batch]',
        'class_labels int64 [batch]',
      ],
      out: [3, 8, 8, 12],
    });
  });
});

describe('what can be removed from a DiT', () => {
  it.each(['dit', 'dit-larger'])('covers 99 %% of the parameters and more: %s', (name) => {
    expectCovered(ditTransformer2DModel, anyCase(name), /^tied to the model's output/);
  });

  it('finds heads, both inner dimensions, neurons, the stream with its modulations, and each embedding', () => {
    const { config, weights } = fixture();
    const groups = couple(ditTransformer2DModel.build(config, weightsFrom(weights))).groups;
    const block = 'transformer_blocks.1';
    const slicesOf = (id: string) =>
      groups
        .find((group) => group.id === id)!
        .slices.map(({ tensor, axis, perUnit }) => `${tensor.replace(`${block}.`, '')}:${axis} x${perUnit}`);
    const projections = ['to_q', 'to_k', 'to_v'].flatMap((name) => [`attn1.${name}.weight:0`, `attn1.${name}.bias:0`]);
    expect(slicesOf(`${block}.attn1.to_q.weight:0:head`)).toEqual(
      [...projections, 'attn1.to_out.0.weight:1'].map((slice) => `${slice} x16`),
    );
    expect(slicesOf(`${block}.attn1.to_q.weight:0:head-dim`)).toEqual(
      projections.slice(0, 4).map((slice) => `${slice} x4`),
    );
    expect(slicesOf(`${block}.attn1.to_v.weight:0:head-dim`)).toEqual(
      [...projections.slice(4), 'attn1.to_out.0.weight:1'].map((slice) => `${slice} x4`),
    );
    expect(slicesOf(`${block}.ff.net.0.proj.weight:0`)).toEqual([
      'ff.net.0.proj.weight:0 x1',
      'ff.net.0.proj.bias:0 x1',
      'ff.net.2.weight:1 x1',
    ]);
    expect(slicesOf(`${block}.norm1.emb.timestep_embedder.linear_2.weight:0`)).toEqual([
      'norm1.emb.timestep_embedder.linear_2.weight:0 x1',
      'norm1.emb.timestep_embedder.linear_2.bias:0 x1',
      'norm1.emb.class_embedder.embedding_table.weight:1 x1',
      'norm1.linear.weight:1 x1',
    ]);
    const stream = slicesOf('pos_embed.proj.weight:0');
    expect(stream).toEqual(
      expect.arrayContaining(['pos_embed.waves:1 x1', 'norm1.linear.weight:0 x6', 'proj_out_1.weight:0 x2']),
    );
  });

  it.each(['dit', 'dit-larger', 'dit-pixels'])('equals the model rebuilt from sliced weights: %s', (name) => {
    const { config, weights, feeds } = anyCase(name);
    expectRandomRemovals({ modelClass: ditTransformer2DModel, config, weights, feeds }, 1);
  });

  it.each(['dit', 'dit-larger'])('can do without each module: %s', async (name) => {
    await expectRemovableModules(ditTransformer2DModel, anyCase(name));
  });
});

describe('ditTransformer2DModel.expressibleConfig', () => {
  const { config, weights } = readTransformerVariant('dit-linear-silu');
  const without = (...removed: string[]) =>
    ditTransformer2DModel.build(
      config,
      weightsFrom(weightsWithout(ditTransformer2DModel, { config, weights }, removed)),
      { removed },
    );

  it('is the configuration itself for a model that was not pruned', () => {
    expect(ditTransformer2DModel.expressibleConfig(config, without())).toBe(config);
  });

  it('says fewer blocks, whichever went: those behind move up', () => {
    for (const block of [1, 2]) {
      const graph = without(`transformer_blocks.${block}`);
      expect(ditTransformer2DModel.expressibleConfig(config, graph)).toEqual({ ...config, num_layers: 2 });
    }
  });

  it('has no field for a first block that left its embedding, a half block, or another width', () => {
    expect(ditTransformer2DModel.expressibleConfig(config, without('transformer_blocks.0'))).toBeUndefined();
    expect(ditTransformer2DModel.expressibleConfig(config, without('transformer_blocks.1.ff'))).toBeUndefined();
    const narrow = ditTransformer2DModel.outline({ ...config, num_attention_heads: 1 }).graph;
    expect(ditTransformer2DModel.expressibleConfig(config, narrow)).toBeUndefined();
  });

  it('is what a model without a block in the middle computes, saved and loaded', async () => {
    const { feeds } = readTransformerVariant('dit-linear-silu');
    const graph = without('transformer_blocks.1');
    const { out } = evaluateGraph(graph, feeds);
    const loaded = await savedAndLoaded(ditTransformer2DModel, config, graph);
    expect(loaded.constants.has('transformer_blocks.2.ff.net.2.weight')).toBe(false);
    expectClose(evaluateGraph(loaded, feeds).out!.data as Float32Array, out!.data as Float32Array, 0, 'out');
  });
});
