import { addGated, modulateTokens, modulations } from '../layers/ada-layer-norm.js';
import { attend, attentionNames } from '../layers/attention.js';
import { timeAndLabel } from '../layers/combined-embedding.js';
import { feedForward } from '../layers/feed-forward.js';
import { layerNorm, plainLayerNorm } from '../layers/layer-norm.js';
import type { Rows } from '../layers/linear.js';
import type { ModuleBuilder } from '../module-builder.js';
import type { DiTTransformer2DConfig } from './config.js';

/** Neurons of the feed-forward for every channel. */
const expansion = 4;

/** What every block reads. */
export interface Conditions {
  config: DiTTransformer2DConfig;
  /** Sines and cosines of the timestep, `[batch, 256]`. */
  steps: Rows;
  /** int64 `[batch]` */
  labels: string;
}

/** `norm1.emb` of the current block: every block embeds timestep and class by itself. */
export function blockEmbedding(m: ModuleBuilder, { config, steps, labels }: Conditions): Rows {
  const width = config.num_attention_heads * config.attention_head_dim;
  return m.at('norm1.emb', () => timeAndLabel(m, steps, labels, config.num_embeds_ada_norm, width));
}

/**
 * BasicTransformerBlock with AdaLayerNormZero, of the current module: attention and feed-forward, each of a normed and
 * modulated stream, each added through a gate. Either may be removed, the feed-forward with its norm.
 *
 * @param x  `[batch, patches, width]`
 * @param embedding  `[batch, embedding width]`
 */
export function ditBlock(m: ModuleBuilder, x: Rows, embedding: Rows, { config }: Conditions): Rows {
  const { num_attention_heads: heads, attention_head_dim: headDim, norm_eps: epsilon } = config;
  const [shift, scale, gate, ffShift, ffScale, ffGate] = m.at('norm1', () =>
    modulations(m, 'linear', embedding, 6, x.width),
  ) as [string, string, string, string, string, string];
  if (!m.at('attn1', () => m.isRemoved())) {
    const normed = modulateTokens(m, plainLayerNorm(m, 'norm1.norm', x, 1e-6), scale, shift);
    const options = { names: attentionNames, heads, headDim, bias: config.attention_bias };
    x = addGated(
      m,
      x,
      gate,
      m.at('attn1', () => attend(m, normed, options)),
    );
  }
  if (m.at('ff', () => m.isRemoved())) return x;
  const normed = config.norm_elementwise_affine
    ? layerNorm(m, 'norm3', x, epsilon)
    : plainLayerNorm(m, 'norm3', x, epsilon);
  const modulated = modulateTokens(m, normed, ffScale, ffShift);
  const neurons = expansion * heads * headDim;
  return addGated(m, x, ffGate, feedForward(m, 'ff', modulated, neurons, config.activation_fn));
}
