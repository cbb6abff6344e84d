import { attend, attentionNames } from '../layers/attention.js';
import { feedForward } from '../layers/feed-forward.js';
import { layerNorm } from '../layers/layer-norm.js';
import type { Rows } from '../layers/linear.js';
import type { ModuleBuilder } from '../module-builder.js';

export interface TransformerBlockOptions {
  heads: number;
  headDim: number;
  /** `[batch, tokens, text width]` */
  text: Rows;
  /** Whether the first attention looks at the text, too. */
  onlyCrossAttention: boolean;
}

/** Neurons of the feed-forward for every channel. */
const expansion = 4;

/**
 * BasicTransformerBlock: attention of the pixels, attention to the text, feed-forward; each behind a LayerNorm and beside
 * a residual connection. Each of the three may be removed, with its norm.
 *
 * @param x  `[batch, pixels, width]`
 */
export function transformerBlock(m: ModuleBuilder, path: string, x: Rows, options: TransformerBlockOptions): Rows {
  const { heads, headDim, text, onlyCrossAttention } = options;
  const width = heads * headDim;
  const attention = (context?: Rows) => (name: string, normed: Rows) =>
    m.at(name, () => attend(m, normed, { names: attentionNames, heads, headDim, bias: false, context }));
  return m.at(path, () => {
    if (m.isRemoved()) return x;
    x = residual(m, x, 'norm1', 'attn1', attention(onlyCrossAttention ? text : undefined));
    x = residual(m, x, 'norm2', 'attn2', attention(text));
    return residual(m, x, 'norm3', 'ff', (name, normed) => feedForward(m, name, normed, expansion * width, 'geglu'));
  });
}

function residual(
  m: ModuleBuilder,
  x: Rows,
  norm: string,
  name: string,
  layer: (name: string, normed: Rows) => Rows,
): Rows {
  if (m.at(name, () => m.isRemoved())) return x;
  const out = layer(name, layerNorm(m, norm, x));
  return { ...x, value: m.graph.op('Add', [out.value, x.value]) };
}
