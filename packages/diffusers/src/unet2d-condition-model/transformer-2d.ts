import { add } from '../layers/combine.js';
import { conv2d } from '../layers/conv2d.js';
import { groupNorm } from '../layers/group-norm.js';
import { type Rows, tokenLinear } from '../layers/linear.js';
import { toPixels, toTokens } from '../layers/tokens.js';
import { type Feature, free, type ModuleBuilder } from '../module-builder.js';
import { transformerBlock } from './transformer-block.js';

export interface Transformer2DOptions {
  /** Channels by the configuration. */
  channels: number;
  heads: number;
  /** Number of transformer blocks. */
  depth: number;
  groups: number;
  text: Rows;
  onlyCrossAttention: boolean;
  /** Whether the projections in and out are linears over tokens, as since Stable Diffusion 2, or 1 x 1 convolutions. */
  linear: boolean;
}

/** Fixed in diffusers, whatever `norm_eps` says. */
const epsilon = 1e-6;

/**
 * Transformer2DModel: norm, projection in, transformer blocks over the pixels, projection out, add the input.
 *
 * @param x  `[batch, channels, height, width]`
 */
export function transformer2D(m: ModuleBuilder, path: string, x: Feature, options: Transformer2DOptions): Feature {
  const { channels, heads, depth, groups, text, onlyCrossAttention } = options;
  const headDim = Math.floor(channels / heads);
  const blocks = (tokens: Rows): Rows => {
    for (let i = 0; i < depth; i++) {
      tokens = transformerBlock(m, `transformer_blocks.${i}`, tokens, { heads, headDim, text, onlyCrossAttention });
    }
    return tokens;
  };
  return m.at(path, () => {
    if (m.isRemoved()) return x;
    const normed = groupNorm(m, 'norm', x, { groups, epsilon });
    const inner = heads * headDim;
    if (options.linear) {
      const tokens = blocks(tokenLinear(m, 'proj_in', toTokens(m, normed), free(inner)));
      return add(m, toPixels(m, tokenLinear(m, 'proj_out', tokens, x.channels), x), x);
    }
    const projected = conv2d(m, 'proj_in', normed, { outChannels: inner, kernel: 1 });
    const mixed = toPixels(m, blocks(toTokens(m, projected)), projected);
    return add(m, conv2d(m, 'proj_out', mixed, { outChannels: channels, kernel: 1 }), x);
  });
}
