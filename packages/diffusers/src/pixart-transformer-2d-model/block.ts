import { int } from '@secateur/graph';
import { addGated, modulateTokens } from '../layers/ada-layer-norm.js';
import { attend, attentionNames } from '../layers/attention.js';
import { feedForward } from '../layers/feed-forward.js';
import { layerNorm, plainLayerNorm } from '../layers/layer-norm.js';
import type { Rows } from '../layers/linear.js';
import type { ModuleBuilder } from '../module-builder.js';
import type { PixArtTransformer2DConfig } from './config.js';

/** Neurons of the feed-forward for every channel. */
const expansion = 4;

/** What every block reads. */
export interface Conditions {
  config: PixArtTransformer2DConfig;
  /** Six modulations, which each block adds a table of its own to, `[batch, 6, width]`. */
  modulations: string;
  /** The prompt, `[batch, tokens, width]`, where there is one. */
  text?: Rows;
}

/**
 * BasicTransformerBlock with a table of modulations, of the current module: attention and feed-forward of a normed and
 * modulated stream, added through gates; between them attention of the plain stream to the prompt. Each may be removed,
 * with its norm.
 *
 * @param x  `[batch, patches, width]`
 */
export function pixartBlock(m: ModuleBuilder, x: Rows, { config, modulations, text }: Conditions): Rows {
  const { num_attention_heads: heads, attention_head_dim: headDim } = config;
  const [shift, scale, gate, ffShift, ffScale, ffGate] = tableModulations(m, modulations, 6, x.width) as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const attention = (path: string, stream: Rows, context?: Rows): Rows =>
    m.at(path, () =>
      attend(m, stream, { names: attentionNames, heads, headDim, bias: config.attention_bias, context }),
    );
  if (!m.at('attn1', () => m.isRemoved())) {
    x = addGated(m, x, gate, attention('attn1', modulateTokens(m, blockNorm(m, 'norm1', x, config), scale, shift)));
  }
  if (text && !m.at('attn2', () => m.isRemoved())) {
    x = { ...x, value: m.graph.op('Add', [x.value, attention('attn2', x, text).value]) };
  }
  if (m.at('ff', () => m.isRemoved())) return x;
  const modulated = modulateTokens(m, blockNorm(m, 'norm2', x, config), ffScale, ffShift);
  return addGated(m, x, ffGate, feedForward(m, 'ff', modulated, expansion * heads * headDim, config.activation_fn));
}

/**
 * Adds the table `scale_shift_table` `[count, width]` of the current module to modulations, and takes them apart.
 *
 * @param modulations  `[batch, count, width]`, or `[batch, 1, width]` for the same to all
 */
export function tableModulations(m: ModuleBuilder, modulations: string, count: number, width: number): string[] {
  const init = { kind: 'normal', deviation: width ** -0.5 } as const;
  const table = m.parameter('scale_shift_table', [count, width], init).name;
  const sizes = m.graph.ints(new Array<number>(count).fill(1));
  return [
    ...m.graph.multi(
      'Split',
      [m.graph.op('Add', [modulations, table]), sizes],
      { axis: int(1) },
      {
        outputs: count,
      },
    ),
  ];
}

function blockNorm(m: ModuleBuilder, path: string, x: Rows, config: PixArtTransformer2DConfig): Rows {
  const { norm_eps: epsilon } = config;
  return config.norm_elementwise_affine ? layerNorm(m, path, x, epsilon) : plainLayerNorm(m, path, x, epsilon);
}
