import { type Coupling, couple, removeUnits } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { t5EncoderModel, weightsFrom } from '../../src/index.js';
import { expectRemovableModules } from '../support/model-class.js';
import { expectRandomRemovals } from '../support/removal.js';
import { graphOf, readTextEncoder } from '../support/text-encoders.js';

const variants = ['t5-gated', 't5-relu', 't5-silu'];

describe('coupling of T5’s encoder', () => {
  const coupling = couple(graphOf(readTextEncoder('t5-gated')));

  it('takes a head out of all layers at once, with its column of the position biases', () => {
    const heads = coupling.groups.filter(({ kind }) => kind === 'head');
    expect(heads).toHaveLength(1);
    expect(heads[0]!.size).toBe(3);
    const tensors = heads[0]!.slices.map(({ tensor, axis }) => `${tensor}:${axis}`);
    expect(tensors).toHaveLength(3 * 4 + 1);
    expect(tensors).toContain('encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight:1');
  });

  it('finds the inner dimensions and neurons of every layer', () => {
    expect(coupling.groups.filter(({ kind }) => kind === 'head-dim')).toHaveLength(2 * 3);
    const neurons = coupling.groups.filter(({ kind }) => kind === 'neuron');
    expect(neurons.map(({ slices }) => slices.map(({ tensor }) => tensor.split('.').at(-2)))).toEqual(
      new Array(3).fill(['wi_0', 'wi_1', 'wo']),
    );
  });

  it('covers of T5 XXL all but the embeddings and norms, which are 3 % of it', () => {
    const config = {
      vocab_size: 32_128,
      d_model: 4096,
      d_kv: 64,
      d_ff: 10_240,
      num_layers: 24,
      num_heads: 64,
      feed_forward_proj: 'gated-gelu',
    };
    const { covered, parameters } = couple(t5EncoderModel.outline(config).graph);
    expect(parameters).toBe(4_762_310_656);
    expect(parameters - covered).toBe(32_128 * 4096 + (2 * 24 + 1) * 4096);
  });

  it('leaves the stream whole, which is the model’s output', () => {
    for (const { reason } of coupling.notPruned) {
      expect(reason).toMatch(/model's output|rows are chosen at run time/);
    }
  });
});

describe('removal from T5’s encoder', () => {
  it.each(variants)('equals the model rebuilt from sliced weights: %s', (name) => {
    expectRandomRemovals(readTextEncoder(name), 1);
  });

  it.each(variants)('of a whole module equals the model with its last layers zeroed: %s', async (name) => {
    const model = readTextEncoder(name);
    expect(model.modelClass.outline(model.config).removable).toHaveLength(9);
    await expectRemovableModules(model.modelClass, model);
  });
});

/** The first `count` units of every group of a tie, but for one group `odd` more. */
function cut(coupling: Coupling, ids: readonly string[], count: number, odd = 0) {
  const removal = new Map(
    ids.map((id, i) => [id, Array.from({ length: count + (i === 1 ? odd : 0) }, (_, unit) => unit)]),
  );
  return removeUnits(coupling, removal).graph;
}

describe('t5EncoderModel.expressibleConfig', () => {
  const { config, weights } = readTextEncoder('t5-gated');
  const coupling = couple(t5EncoderModel.build(config, weightsFrom(weights)));
  const { ties, fixed } = t5EncoderModel.ties(config, coupling, 1);
  const idsOf = (name: string) => ties.find((tie) => tie.name === name)!.groups.map(({ id }) => id);

  it('has a field for every width but the stream’s', () => {
    expect(ties.map(({ name, steps }) => [name, steps]).sort()).toEqual([
      ['head widths', 6],
      ['heads', 3],
      ['neurons', 20],
    ]);
    expect([...fixed]).toEqual([]);
  });

  it.each([
    ['heads', 1, { num_heads: 2 }],
    ['head widths', 2, { d_kv: 4 }],
    ['neurons', 5, { d_ff: 15 }],
  ])('says fewer %s', (name, count, changed) => {
    expect(t5EncoderModel.expressibleConfig(config, cut(coupling, idsOf(name), count))).toEqual({
      ...config,
      ...changed,
    });
  });

  it('has no field for neurons that differ between layers', () => {
    expect(t5EncoderModel.expressibleConfig(config, cut(coupling, idsOf('neurons'), 5, 1))).toBeUndefined();
  });

  it('says fewer layers', () => {
    const removed = ['encoder.block.1'];
    const left = new Map([...weights].filter(([name]) => !name.startsWith(`${removed[0]}.`)));
    const graph = t5EncoderModel.build(config, weightsFrom(left), { removed });
    expect(t5EncoderModel.expressibleConfig(config, graph)).toEqual({ ...config, num_layers: 2 });
  });
});
