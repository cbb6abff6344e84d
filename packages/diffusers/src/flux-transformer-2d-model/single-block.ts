import { int } from '@secateur/graph';
import { activation } from '../layers/activation.js';
import { addGated, modulateTokens, modulations } from '../layers/ada-layer-norm.js';
import type { Heads } from '../layers/attention.js';
import { selfAttention } from '../layers/joint-attention.js';
import { plainLayerNorm } from '../layers/layer-norm.js';
import { type Rows, tokenLinear } from '../layers/linear.js';
import { free, type ModuleBuilder } from '../module-builder.js';
import type { FluxTransformer2DConfig } from './config.js';

/** Neurons of the MLP for every channel. */
const expansion = 4;

/**
 * FluxSingleTransformerBlock, of the current module: attention and an MLP of the same normed and modulated stream, side by
 * side into one projection, added through a gate.
 *
 * @param x  text, then picture, `[batch, tokens, width]`
 * @param rotary  rotary embedding of the attention's module
 */
export function singleBlock(
  m: ModuleBuilder,
  x: Rows,
  embedding: Rows,
  config: FluxTransformer2DConfig,
  rotary: () => (x: Heads) => Heads,
): Rows {
  const { num_attention_heads: heads, attention_head_dim: headDim } = config;
  const [shift, scale, gate] = m.at('norm', () => modulations(m, 'linear', embedding, 3, x.width)) as [
    string,
    string,
    string,
  ];
  const normed = modulateTokens(m, plainLayerNorm(m, 'norm.norm', x, 1e-6), scale, shift);
  const attended = m.at('attn', () => selfAttention(m, normed, { heads, headDim, norm: 'rms_norm', rotate: rotary() }));
  const neurons = tokenLinear(m, 'proj_mlp', normed, free(expansion * heads * headDim));
  const active = activation(m, 'act_mlp', 'gelu_tanh', neurons);
  const both = m.graph.op('Concat', [attended.value, active.value], { axis: int(2) });
  const inner = { value: both, width: attended.width + active.width };
  return addGated(m, x, gate, tokenLinear(m, 'proj_out', inner, x.width));
}
