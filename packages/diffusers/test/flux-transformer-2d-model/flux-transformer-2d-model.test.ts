import { couple, evaluateGraph } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { countParameters, fluxTransformer2DModel, weightsFrom } from '../../src/index.js';
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

const variants = ['dev', 'schnell', 'double', 'single'].map((name) => `flux-${name}`);
const fixture = () => readFixture('flux');
const anyCase = (name: string) => (name === 'flux' ? fixture() : readTransformerVariant(name));

describe('fluxTransformer2DModel.tensors', () => {
  it.each([
    ['schnell', {}, 11_891_178_560],
    ['dev', { guidance_embeds: true }, 11_901_408_320],
  ])('counts exactly the parameters of FLUX.1-%s, as diffusers does', (_, config, parameters) => {
    expect(countParameters(fluxTransformer2DModel.tensors(config))).toBe(parameters);
  });

  it.each(['flux', ...variants])('names the tensors of diffusers: %s', (name) => {
    expectLibraryTensors(fluxTransformer2DModel, anyCase(name));
  });
});

describe('fluxTransformer2DModel.build', () => {
  it.each(['flux', ...variants])('computes what diffusers computes: %s', (name) => {
    expectLibraryOutput(fluxTransformer2DModel, anyCase(name));
  });

  it('has the gradients that PyTorch has', () => {
    expectLibraryGradients(fluxTransformer2DModel, fixture());
  });

  it('declares inputs and outputs with symbolic sizes', () => {
    expect(
      declared(fluxTransformer2DModel.outline(fixture().config), { batch: 3, image_tokens: 12, tokens: 5 }),
    ).toEqual({
      inputs: [
        'hidden_states float32 [batch, image_tokens, 5]',
        'encoder_hidden_states float32 [batch, tokens, 6]',
        'pooled_projections float32 [batch, 4]',
        'timestep float32 [batch]',
        'guidance float32 [batch]',
        'img_ids float32 [image_tokens, 3]',
        'txt_ids float32 [tokens, 3]',
      ],
      out: [3, 12, 5],
    });
  });
});

describe('what can be removed from a FLUX', () => {
  it.each(['flux', 'flux-dev'])('covers 99 %% of the parameters and more: %s', (name) => {
    expectCovered(fluxTransformer2DModel, anyCase(name), /^tied to the model's output/);
  });

  it('finds heads, pairs of inner dimensions with norms and frequencies, and neurons beside them', () => {
    const { config, weights } = fixture();
    const { groups } = couple(fluxTransformer2DModel.build(config, weightsFrom(weights)));
    const groupOf = (id: string) => groups.find((group) => group.id === id)!;
    const slicesOf = (id: string, block: string) =>
      groupOf(id)
        .slices.map(({ tensor, axis, perUnit }) => `${tensor.replace(`${block}.`, '')}:${axis} x${perUnit}`)
        .filter((slice) => !slice.includes('bias:'))
        .sort();
    const double = 'transformer_blocks.0';
    expect(slicesOf(`${double}.attn.to_q.weight:0:head`, `${double}.attn`)).toEqual(
      [
        ...['to_q', 'to_k', 'to_v', 'add_q_proj', 'add_k_proj', 'add_v_proj'].map((name) => `${name}.weight:0 x8`),
        'to_out.0.weight:1 x8',
        'to_add_out.weight:1 x8',
      ].sort(),
    );
    const single = 'single_transformer_blocks.1';
    expect(slicesOf(`${single}.attn.to_q.weight:0:head`, single)).toEqual(
      [...['q', 'k', 'v'].map((name) => `attn.to_${name}.weight:0 x8`), 'proj_out.weight:1 x8'].sort(),
    );
    const pairs = groupOf(`${single}.attn.to_q.weight:0:head-dim`);
    expect(pairs.size).toBe(4);
    // Pair 1 of two heads of 8 channels.
    expect([...pairs.slices[0]!.indices.slice(4, 8)]).toEqual([2, 3, 10, 11]);
    expect(slicesOf(pairs.id, single)).toEqual(
      [
        ...['q', 'k'].map((name) => `attn.to_${name}.weight:0 x4`),
        ...['q', 'k'].map((name) => `attn.norm_${name}.weight:0 x2`),
        'attn.rope:1 x1',
      ].sort(),
    );
    expect(slicesOf(`${single}.attn.to_v.weight:0:head-dim`, single)).toEqual(
      ['attn.to_v.weight:0 x2', 'proj_out.weight:1 x2'].sort(),
    );
    expect(slicesOf(`${single}.proj_mlp.weight:0`, single)).toEqual(
      ['proj_mlp.weight:0 x1', 'proj_out.weight:1 x1'].sort(),
    );
    expect(groupOf(`${single}.proj_mlp.weight:0`).slices.at(-1)!.indices[0]).toBe(16);
  });

  it.each(['flux', 'flux-schnell', 'flux-single'])('equals the model rebuilt from sliced weights: %s', (name) => {
    const { config, weights, feeds } = anyCase(name);
    expectRandomRemovals({ modelClass: fluxTransformer2DModel, config, weights, feeds }, 1);
  });

  it.each(['flux', 'flux-double'])('can do without each module: %s', async (name) => {
    await expectRemovableModules(fluxTransformer2DModel, anyCase(name));
  });
});

describe('fluxTransformer2DModel.expressibleConfig', () => {
  const model = readTransformerVariant('flux-dev');
  const { config, weights } = model;
  const without = (...removed: string[]) =>
    fluxTransformer2DModel.build(config, weightsFrom(weightsWithout(fluxTransformer2DModel, model, removed)), {
      removed,
    });

  it('is the configuration itself for a model that was not pruned', () => {
    expect(fluxTransformer2DModel.expressibleConfig(config, without())).toBe(config);
  });

  it('says fewer blocks of both kinds, whichever went', async () => {
    const graph = without('transformer_blocks.0', 'single_transformer_blocks.0');
    expect(fluxTransformer2DModel.expressibleConfig(config, graph)).toEqual({
      ...config,
      num_layers: 1,
      num_single_layers: 1,
    });
    const loaded = await savedAndLoaded(fluxTransformer2DModel, config, graph);
    expect(evaluateGraph(loaded, model.feeds).out).toEqual(evaluateGraph(graph, model.feeds).out);
  });

  it('has no field for a half block', () => {
    expect(fluxTransformer2DModel.expressibleConfig(config, without('transformer_blocks.1.ff'))).toBeUndefined();
  });

  it('says fewer heads, when everything was cut as the ties say', () => {
    const coupling = couple(fluxTransformer2DModel.build(config, weightsFrom(weights)));
    const ties = fluxTransformer2DModel.ties(config, coupling, 1);
    expect(ties.ties.map(({ name, steps }) => [name, steps])).toEqual([['width', 2]]);
    const graph = cutTies(coupling, ties, 0.5);
    expect(fluxTransformer2DModel.expressibleConfig(config, graph)).toEqual({ ...config, num_attention_heads: 1 });
  });
});
