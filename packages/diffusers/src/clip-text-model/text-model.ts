import { int } from '@secateur/graph';
import { activate } from '../layers/activation.js';
import { type AttentionNames, attend } from '../layers/attention.js';
import { layerNorm } from '../layers/layer-norm.js';
import { type Rows, tokenLinear } from '../layers/linear.js';
import { causalMask, embedding, positionsOf, tokenInput } from '../layers/text.js';
import { free, type ModuleBuilder } from '../module-builder.js';
import type { CLIPTextConfig } from './config.js';

/** The names that transformers gives the four projections. */
const names: AttentionNames = { query: 'q_proj', key: 'k_proj', value: 'v_proj', out: 'out_proj' };

/** What the text transformer has to offer. */
export interface TextStates {
  /** Output of the last layer, normalised: `[batch, tokens, hidden_size]`. */
  readonly last: Rows;
  /** Inputs of the layers, `hidden_states[0]` to `[-2]`: `[batch, tokens, hidden_size]` each. */
  readonly hidden: readonly Rows[];
  /** Row of `last` at the end of the text: `[batch, hidden_size]`. */
  readonly pooled: Rows;
}

/** CLIP's text transformer, `text_model` in checkpoints. Adds the input `input_ids`. */
export function textModel(m: ModuleBuilder, config: CLIPTextConfig): TextStates {
  return m.at('text_model', () => {
    const inputIds = tokenInput(m);
    const positions = positionsOf(m, inputIds);
    let x = embeddings(m, inputIds, positions, config);
    const hidden: Rows[] = [];
    m.at('encoder', () => {
      const mask = causalMask(m, positions);
      for (let i = 0; i < config.num_hidden_layers; i++) {
        hidden.push(x);
        x = layer(m, `layers.${i}`, x, mask, config);
      }
    });
    const last = layerNorm(m, 'final_layer_norm', x, config.layer_norm_eps);
    return { last, hidden, pooled: pool(m, last, inputIds, positions, config.eos_token_id) };
  });
}

function embeddings(m: ModuleBuilder, inputIds: string, positions: string, config: CLIPTextConfig): Rows {
  return m.at('embeddings', () => {
    const { vocab_size, hidden_size, max_position_embeddings: longest } = config;
    // Numbers from 0 on, which old checkpoints hold.
    m.ignore('position_ids');
    const tokens = embedding(m, 'token_embedding', inputIds, vocab_size, hidden_size);
    const places = embedding(m, 'position_embedding', positions, longest, tokens.width);
    if (places.width !== tokens.width) {
      m.problem(`${m.path} adds positions of ${places.width} channels to tokens of ${tokens.width}`);
    }
    return { ...tokens, value: m.graph.op('Add', [tokens.value, places.value]) };
  });
}

/** CLIPEncoderLayer: attention and feed-forward, each behind a norm and beside a residual connection. */
function layer(m: ModuleBuilder, path: string, x: Rows, mask: string, config: CLIPTextConfig): Rows {
  const { hidden_size, num_attention_heads: heads, intermediate_size, act } = config;
  const headDim = hidden_size / heads;
  return m.at(path, () => {
    if (m.isRemoved()) return x;
    x = residual(m, x, 'layer_norm1', 'self_attn', config, (normed) =>
      attend(m, normed, { names, heads, headDim, bias: true, added: mask }),
    );
    return residual(m, x, 'layer_norm2', 'mlp', config, (normed) => {
      const neurons = tokenLinear(m, 'fc1', normed, free(intermediate_size));
      return tokenLinear(m, 'fc2', { ...neurons, value: activate(m, act, neurons.value) }, normed.width);
    });
  });
}

function residual(
  m: ModuleBuilder,
  x: Rows,
  norm: string,
  name: string,
  config: CLIPTextConfig,
  body: (normed: Rows) => Rows,
): Rows {
  if (m.at(name, () => m.isRemoved())) return x;
  const normed = layerNorm(m, norm, x, config.layer_norm_eps);
  const out = m.at(name, () => body(normed));
  return { ...x, value: m.graph.op('Add', [x.value, out.value]) };
}

/**
 * The state at the first end-of-text token; at the first token where there is none, as in transformers. With the
 * `eos_token_id` of 2 at the largest token, which in CLIP's own vocabulary is the end of the text.
 */
function pool(m: ModuleBuilder, states: Rows, inputIds: string, positions: string, eosTokenId: number): Rows {
  const { graph } = m;
  const token = eosTokenId === 2 ? graph.op('ReduceMax', [inputIds, graph.ints([1])]) : graph.ints([eosTokenId]);
  const tokens = graph.op('Slice', [graph.op('Shape', [inputIds]), graph.ints([1]), graph.ints([2])]);
  const found = graph.op('Where', [graph.op('Equal', [inputIds, token]), positions, tokens]);
  const first = graph.op('Mod', [graph.op('ReduceMin', [found, graph.ints([1])]), tokens]);
  const onnxFloat = 1;
  const chosen = graph.op('Cast', [graph.op('Equal', [positions, first])], { to: int(onnxFloat) });
  const row = graph.op('MatMul', [graph.op('Unsqueeze', [chosen, graph.ints([1])]), states.value]);
  return { ...states, value: graph.op('Squeeze', [row, graph.ints([1])]) };
}
