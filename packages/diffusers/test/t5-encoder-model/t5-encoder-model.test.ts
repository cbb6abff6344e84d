import { evaluateGraph, int64, shapeText } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { countParameters, parseT5Config, t5EncoderModel } from '../../src/index.js';
import { expectLibraryGradients } from '../support/model-class.js';
import { expectLibraryOutputs, graphOf, readTextEncoder } from '../support/text-encoders.js';

const variants = ['t5-gated', 't5-relu', 't5-silu'];

describe('t5EncoderModel.tensors', () => {
  it('counts exactly the parameters of T5 v1.1 XXL’s encoder', () => {
    const config = {
      d_model: 4096,
      d_kv: 64,
      d_ff: 10_240,
      num_layers: 24,
      num_heads: 64,
      feed_forward_proj: 'gated-gelu',
    };
    expect(countParameters(t5EncoderModel.tensors(config))).toBe(4_762_310_656);
  });

  it.each(variants)('have transformers’ names and shapes: %s', (name) => {
    const { config, shapes } = readTextEncoder(name);
    expect(Object.fromEntries(t5EncoderModel.tensors(config).map((spec) => [spec.name, spec.shape]))).toEqual(shapes);
  });
});

describe('t5EncoderModel.build', () => {
  it.each(variants)('computes what transformers computes: %s', (name) => {
    expectLibraryOutputs(readTextEncoder(name));
  });

  it('has the gradients of PyTorch', () => {
    const model = readTextEncoder('t5-gated');
    expectLibraryGradients(model.modelClass, model);
  });

  it('looks at no token that the mask leaves out', () => {
    const graph = graphOf(readTextEncoder('t5-gated'));
    const attention_mask = int64([1, 1, 0], [1, 3]);
    const stateOf = (ids: number[]) => {
      const { out } = evaluateGraph(graph, { input_ids: int64(ids, [1, 3]), attention_mask });
      return [...out.data.slice(0, 2 * 16)];
    };
    expect(stateOf([3, 7, 5])).toEqual(stateOf([3, 7, 11]));
  });

  it('declares inputs and outputs with symbolic sizes', () => {
    const { inputs, outputs } = graphOf(readTextEncoder('t5-gated'));
    expect([...inputs, ...outputs].map(({ name, dtype, shape }) => `${name} ${dtype} ${shapeText(shape)}`)).toEqual([
      'input_ids int64 [batch, tokens]',
      'attention_mask int64 [batch, tokens]',
      'out float32 [batch, tokens, 16]',
    ]);
  });
});

describe('parseT5Config', () => {
  it.each([
    ['relu', { act: 'relu', gated: false }],
    ['gated-gelu', { act: 'gelu_tanh', gated: true }],
    ['gated-silu', { act: 'silu', gated: true }],
    ['gelu', { act: 'gelu', gated: false }],
  ])('reads feed_forward_proj: %s', (feed_forward_proj, expected) => {
    expect(parseT5Config({ feed_forward_proj })).toMatchObject(expected);
  });

  it.each([
    ['feed_forward_proj', 'gated-gelu-new', /must be an activation, or gated-<activation>/],
    ['dense_act_fn', 'tanh', /must be one of/],
    ['relative_attention_num_buckets', 3, /must be at least 4/],
    ['relative_attention_max_distance', 8, /must be above 8/],
    ['d_kv', '64', /d_kv must be number/],
  ])('refuses a wrong %s by its name', (field, value, message) => {
    expect(() => parseT5Config({ [field]: value })).toThrow(
      expect.objectContaining({ code: 'BAD_CONFIG', field, message: expect.stringMatching(message) }),
    );
  });
});
