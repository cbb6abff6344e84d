import { int, int64, ints, symbol } from '@secateur/graph';
import { activate } from '../layers/activation.js';
import { type AttentionNames, attend } from '../layers/attention.js';
import { type Rows, tokenLinear } from '../layers/linear.js';
import { rmsNorm } from '../layers/rms-norm.js';
import { embedding, paddingMask, positionsOf, tokenInput } from '../layers/text.js';
import { t5LoadScript } from '../load-script/t5.js';
import { defineModelClass, type ModelClass } from '../model-class.js';
import { free, type ModuleBuilder } from '../module-builder.js';
import { changedFields } from './changed-fields.js';
import { parseT5Config, type T5Config } from './config.js';
import { positionBuckets } from './position-buckets.js';
import { t5Ties } from './width-ties.js';

/**
 * T5EncoderModel: the large text encoder of SD3, FLUX and PixArt.
 *
 * Inputs: `input_ids` int64 `[batch, tokens]`; `attention_mask` int64 `[batch, tokens]`, 1 for tokens that count, all ones
 * where a pipeline gives none. Output: `out` `[batch, tokens, d_model]`, transformers' `last_hidden_state`.
 */
export const t5EncoderModel: ModelClass = defineModelClass({
  name: 'T5EncoderModel',
  library: 'transformers',
  parse: parseT5Config,
  write: writeModel,
  sizes: () => ({ tokens: usualTokens }),
  changedFields,
  // Tied to one another; old checkpoints hold the second, or both.
  canonicalName: (name) => (name === 'encoder.embed_tokens.weight' ? 'shared.weight' : name),
  blockLists: ['encoder.block'],
  ties: t5Ties,
  parts: [{ folder: '', names: { out: 'last_hidden_state' } }],
  loadScript: t5LoadScript,
});

/** Tokens of a prompt in SD3 and FLUX (schnell). */
const usualTokens = 256;

/** The names that transformers gives the four projections. */
const names: AttentionNames = { query: 'q', key: 'k', value: 'v', out: 'o' };

const selfAttention = 'layer.0.SelfAttention';

function writeModel(m: ModuleBuilder, config: T5Config): void {
  const { graph } = m;
  const [batch, tokens] = [symbol('batch'), symbol('tokens')];
  const inputIds = tokenInput(m);
  const mask = graph.input('attention_mask', 'int64', [batch, tokens]);
  let x = embedding(m, 'shared', inputIds, config.vocab_size, config.d_model);
  m.at('encoder', () => {
    const bias = m.at(`block.0.${selfAttention}`, () => positionBias(m, positionsOf(m, inputIds), config));
    const added = graph.op('Add', [bias, paddingMask(m, mask)]);
    for (let i = 0; i < config.num_layers; i++) x = block(m, `block.${i}`, x, added, config);
    x = rmsNorm(m, 'final_layer_norm', x, config.layer_norm_epsilon);
  });
  graph.output(x.value, 'float32', [batch, tokens, x.width], 'out');
}

/** What the distance of two tokens adds to their scores, the same in all layers: `[1, heads, queries, keys]`. */
function positionBias(m: ModuleBuilder, positions: string, config: T5Config): string {
  const { graph } = m;
  const { relative_attention_num_buckets: buckets, relative_attention_max_distance: far, num_heads: heads } = config;
  return m.at('relative_attention_bias', () => {
    const queries = graph.op('Unsqueeze', [positions, graph.ints([1])]);
    const distance = graph.op('Sub', [graph.op('Unsqueeze', [positions, graph.ints([0])]), queries]);
    const bound = (value: number) => graph.tensor(int64([value], []));
    const near = graph.op('Max', [graph.op('Min', [distance, bound(far)]), bound(-far)]);
    const row = graph.op('Add', [near, bound(far)]);
    const bucket = graph.op('Gather', [graph.ints(positionBuckets(buckets, far)), row], { axis: int(0) });
    const table = m.parameter('weight', [buckets, free(heads)], { kind: 'normal', deviation: config.d_model ** -0.5 });
    const bias = graph.op('Gather', [table.name, bucket], { axis: int(0) });
    return graph.op('Unsqueeze', [graph.op('Transpose', [bias], { perm: ints([2, 0, 1]) }), graph.ints([0])]);
  });
}

/** T5Block: attention and feed-forward, each behind a norm and beside a residual connection. */
function block(m: ModuleBuilder, path: string, x: Rows, added: string, config: T5Config): Rows {
  const { num_heads: heads, d_kv } = config;
  // The first block holds what the position of all others' tokens adds.
  const bias = 'SelfAttention.relative_attention_bias.';
  return m.at(path, () => {
    if (m.isRemoved(`layer.0.${bias}`)) return x;
    x = m.at('layer.0', () => {
      if (m.isRemoved(bias)) return x;
      const normed = rmsNorm(m, 'layer_norm', x, config.layer_norm_epsilon);
      // Scores are not scaled: the weights are trained that way.
      const out = m.at('SelfAttention', () =>
        attend(m, normed, { names, heads, headDim: d_kv, scale: 1, bias: false, outBias: false, added }),
      );
      return sum(m, x, out);
    });
    return m.at('layer.1', () => {
      if (m.isRemoved()) return x;
      const normed = rmsNorm(m, 'layer_norm', x, config.layer_norm_epsilon);
      return sum(
        m,
        x,
        m.at('DenseReluDense', () => feedForward(m, normed, config)),
      );
    });
  });
}

function feedForward(m: ModuleBuilder, x: Rows, { d_ff, act, gated }: T5Config): Rows {
  const inner = tokenLinear(m, gated ? 'wi_0' : 'wi', x, free(d_ff), false);
  let neurons = activate(m, act, inner.value);
  if (gated) neurons = m.graph.op('Mul', [neurons, tokenLinear(m, 'wi_1', x, inner.width, false).value]);
  return tokenLinear(m, 'wo', { ...inner, value: neurons }, x.width, false);
}

function sum(m: ModuleBuilder, a: Rows, b: Rows): Rows {
  return { ...a, value: m.graph.op('Add', [a.value, b.value]) };
}
