import { couple, removeUnits, subgraph } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { clipTextModel, weightsFrom } from '../../src/index.js';
import { expectRemovableModules } from '../support/model-class.js';
import { expectRandomRemovals } from '../support/removal.js';
import { graphOf, readTextEncoder } from '../support/text-encoders.js';

const variants = ['clip', 'clip-legacy', 'clip-projection'];
const layer = 'text_model.encoder.layers.1';

describe('coupling of CLIP’s text encoder', () => {
  const coupling = couple(graphOf(readTextEncoder('clip')));
  const tensorsOf = (id: string) =>
    coupling.groups
      .find((group) => group.id === id)!
      .slices.map(({ tensor, axis }) => `${tensor.split('.').slice(-2).join('.')}:${axis}`);

  it('finds heads, both inner dimensions and neurons in every layer', () => {
    expect(tensorsOf(`${layer}.self_attn.q_proj.weight:0:head`)).toEqual(
      ['q_proj', 'k_proj', 'v_proj']
        .flatMap((name) => [`${name}.weight:0`, `${name}.bias:0`])
        .concat('out_proj.weight:1'),
    );
    expect(tensorsOf(`${layer}.mlp.fc1.weight:0`)).toEqual(['fc1.weight:0', 'fc1.bias:0', 'fc2.weight:1']);
    expect(coupling.groups.map(({ kind }) => kind).sort()).toEqual(
      [0, 1, 2].flatMap(() => ['neuron', 'head', 'head-dim', 'head-dim']).sort(),
    );
  });

  it('covers of CLIP-L all but the embeddings, which are 31 % of it', () => {
    const config = {
      architectures: ['CLIPTextModel'],
      vocab_size: 49_408,
      max_position_embeddings: 77,
      hidden_size: 768,
      intermediate_size: 3072,
      num_attention_heads: 12,
      num_hidden_layers: 12,
      hidden_act: 'quick_gelu',
    };
    const { covered, parameters } = couple(clipTextModel.outline(config).graph);
    expect(parameters).toBe(123_060_480);
    expect(covered / parameters).toBeCloseTo(0.691, 3);
    // What layers read of the stream is all that is left besides: norms, and biases that are added to it.
    const rest = parameters - covered - (49_408 + 77) * 768;
    expect(rest).toBe(12 * (2 * 2 + 2) * 768 + 2 * 768);
  });

  it('leaves the stream whole, which is the model’s output, and tables of tokens and positions along their rows', () => {
    const reasons = new Set(coupling.notPruned.map(({ reason }) => reason));
    for (const reason of reasons) expect(reason).toMatch(/model's output|rows are chosen at run time/);
  });

  it('lets the stream become narrower where only the projection of the pooled state is asked for', () => {
    const graph = subgraph(graphOf(readTextEncoder('clip-projection')), ['out']);
    const stream = couple(graph).groups.find(({ slices }) =>
      slices.some(({ tensor }) => tensor.endsWith('token_embedding.weight')),
    )!;
    expect(stream.size).toBe(16);
    expect(stream.slices.find(({ tensor }) => tensor.endsWith('token_embedding.weight'))!.axis).toBe(1);
    expect(stream.slices.map(({ tensor }) => tensor)).toEqual(
      expect.arrayContaining(['text_projection.weight', 'text_model.embeddings.position_embedding.weight']),
    );
  });
});

describe('removal from CLIP’s text encoder', () => {
  it.each(variants)('equals the model rebuilt from sliced weights: %s', (name) => {
    expectRandomRemovals(readTextEncoder(name), 1);
  });

  it.each(variants)('of a whole module equals the model with its last layers zeroed: %s', async (name) => {
    const model = readTextEncoder(name);
    expect(model.modelClass.outline(model.config).removable).toHaveLength(9);
    await expectRemovableModules(model.modelClass, model);
  });
});

describe('clipTextModel.expressibleConfig', () => {
  it('says fewer neurons, the same number in every layer', () => {
    const model = readTextEncoder('clip');
    const coupling = couple(graphOf(model));
    const { ties, fixed } = clipTextModel.ties(model.config, coupling, 8);
    expect(ties.map(({ name, steps, groups }) => [name, steps, groups.length])).toEqual([['neurons', 3, 3]]);
    expect(fixed.size).toBe(9);
    const cut = (counts: number[]) =>
      removeUnits(
        coupling,
        new Map(ties[0]!.groups.map(({ id }, i) => [id, Array.from({ length: counts[i]! }, (_, unit) => unit)])),
      ).graph;
    expect(clipTextModel.expressibleConfig(model.config, cut([8, 8, 8]))).toEqual({
      ...model.config,
      intermediate_size: 16,
    });
    expect(clipTextModel.expressibleConfig(model.config, cut([8, 8, 0]))).toBeUndefined();
  });

  it('says fewer layers', () => {
    const { config, weights } = readTextEncoder('clip');
    const removed = ['text_model.encoder.layers.1'];
    const left = new Map([...weights].filter(([name]) => !name.startsWith(`${removed[0]}.`)));
    const graph = clipTextModel.build(config, weightsFrom(left), { removed });
    expect(clipTextModel.expressibleConfig(config, graph)).toEqual({ ...config, num_hidden_layers: 2 });
  });
});
