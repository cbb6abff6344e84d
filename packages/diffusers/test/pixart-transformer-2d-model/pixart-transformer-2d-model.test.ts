import { couple, evaluateGraph } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { countParameters, pixartTransformer2DModel, weightsFrom } from '../../src/index.js';
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

const variants = ['alpha', 'sigma', 'large', 'self', 'plain-text'].map((name) => `pixart-${name}`);
const fixture = () => readFixture('pixart');
const anyCase = (name: string) => (name === 'pixart' ? fixture() : readTransformerVariant(name));

describe('pixartTransformer2DModel.tensors', () => {
  it.each([
    ['Alpha', { sample_size: 128 }, 611_349_152],
    ['Sigma', { sample_size: 128, use_additional_conditions: false }, 610_856_096],
  ])('counts exactly the parameters of PixArt-%s, as diffusers does', (_, fields, parameters) => {
    const config = { caption_channels: 4096, ...fields };
    expect(countParameters(pixartTransformer2DModel.tensors(config))).toBe(parameters);
  });

  it.each(['pixart', ...variants])('names the tensors of diffusers: %s', (name) => {
    expectLibraryTensors(pixartTransformer2DModel, anyCase(name));
  });
});

describe('pixartTransformer2DModel.build', () => {
  it.each(['pixart', ...variants])('computes what diffusers computes: %s', (name) => {
    expectLibraryOutput(pixartTransformer2DModel, anyCase(name));
  });

  it('has the gradients that PyTorch has', () => {
    expectLibraryGradients(pixartTransformer2DModel, fixture());
  });

  it('declares inputs and outputs with symbolic sizes', () => {
    expect(declared(pixartTransformer2DModel.outline(fixture().config), { batch: 3, height: 8, width: 12 })).toEqual({
      inputs: [
        'hidden_states float32 [batch, 3, height, width]',
        'timestep int64 [batch]',
        'encoder_hidden_states float32 [batch, tokens, 5]',
        'resolution float32 [batch, 2]',
        'aspect_ratio float32 [batch, 1]',
      ],
      out: [3, 6, 8, 12],
    });
  });
});

describe('what can be removed from a PixArt', () => {
  it.each(['pixart', 'pixart-sigma'])('covers 99 %% of the parameters and more: %s', (name) => {
    expectCovered(pixartTransformer2DModel, anyCase(name), /^tied to the model's output/);
  });

  it('finds heads of both attentions, the stream with its tables, and the conditions that it is made of', () => {
    const { config, weights } = fixture();
    const { groups } = couple(pixartTransformer2DModel.build(config, weightsFrom(weights)));
    const slicesOf = (id: string) =>
      groups
        .find((group) => group.id === id)!
        .slices.map(({ tensor, axis, perUnit }) => `${tensor.replace('transformer_blocks.1.', '')}:${axis} x${perUnit}`)
        .filter((slice) => !slice.includes('.bias:'));
    for (const attention of ['attn1', 'attn2']) {
      expect(slicesOf(`transformer_blocks.1.${attention}.to_q.weight:0:head`)).toEqual([
        ...['to_q', 'to_k', 'to_v'].map((name) => `${attention}.${name}.weight:0 x8`),
        `${attention}.to_out.0.weight:1 x8`,
      ]);
    }
    // Height and width share an embedding: channel j of 8 is channels j and j + 8 of the stream. The ratio has the last 8.
    const shared = slicesOf('pos_embed.proj.weight:0');
    expect(shared).toEqual(
      expect.arrayContaining([
        'pos_embed.waves:1 x2',
        'adaln_single.emb.resolution_embedder.linear_2.weight:0 x1',
        'adaln_single.linear.weight:0 x12',
        'adaln_single.linear.weight:1 x2',
        'scale_shift_table:1 x2',
      ]),
    );
    const own = slicesOf('pos_embed.proj.weight:0#2');
    expect(own).toEqual(
      expect.arrayContaining([
        'adaln_single.emb.aspect_ratio_embedder.linear_2.weight:0 x1',
        'adaln_single.linear.weight:0 x6',
      ]),
    );
  });

  it.each(['pixart', 'pixart-sigma', 'pixart-self'])('equals the model rebuilt from sliced weights: %s', (name) => {
    const { config, weights, feeds } = anyCase(name);
    expectRandomRemovals({ modelClass: pixartTransformer2DModel, config, weights, feeds }, 1);
  });

  it.each(['pixart', 'pixart-sigma'])('can do without each module: %s', async (name) => {
    await expectRemovableModules(pixartTransformer2DModel, anyCase(name));
  });
});

describe('pixartTransformer2DModel.expressibleConfig', () => {
  const model = fixture();
  const { config } = model;
  const without = (...removed: string[]) =>
    pixartTransformer2DModel.build(config, weightsFrom(weightsWithout(pixartTransformer2DModel, model, removed)), {
      removed,
    });

  it('is the configuration itself for a model that was not pruned', () => {
    expect(pixartTransformer2DModel.expressibleConfig(config, without())).toBe(config);
  });

  it('says fewer blocks, whichever went', async () => {
    const graph = without('transformer_blocks.0');
    expect(pixartTransformer2DModel.expressibleConfig(config, graph)).toEqual({ ...config, num_layers: 1 });
    const loaded = await savedAndLoaded(pixartTransformer2DModel, config, graph);
    expect(evaluateGraph(loaded, model.feeds).out).toEqual(evaluateGraph(graph, model.feeds).out);
  });

  it('has no field for a half block, or another width', () => {
    expect(pixartTransformer2DModel.expressibleConfig(config, without('transformer_blocks.1.attn2'))).toBeUndefined();
    const narrow = pixartTransformer2DModel.outline({
      ...config,
      num_attention_heads: 6,
      attention_head_dim: 2,
      cross_attention_dim: 12,
    });
    expect(pixartTransformer2DModel.expressibleConfig(config, narrow.graph)).toBeUndefined();
  });
});
