import { attentionBlock } from '../blocks/attention-block.js';
import { type BlockOptions, configuredGroups } from '../blocks/block.js';
import { add } from '../layers/combine.js';
import { conv2d } from '../layers/conv2d.js';
import type { Rows } from '../layers/linear.js';
import type { Feature, ModuleBuilder } from '../module-builder.js';
import type { UNet2DConfig } from './config.js';

/** What every block of the model is told. */
export type UNet2DBlock = BlockOptions<UNet2DConfig> & { readonly temb: Rows };

/** Residual blocks and attentions of the `Skip` blocks divide what they return by this. */
export const skipScale: number = Math.SQRT2;

/** Pictures travel beside the `Skip` blocks with this many channels, whatever the model's own are. */
export const pictureChannels = 3;

/** Norm groups of the `Skip` blocks. */
export function skipGroups(channels: number): number {
  return Math.min(Math.floor(channels / 4), 32);
}

export function blockAttention(
  m: ModuleBuilder,
  path: string,
  x: Feature,
  block: UNet2DBlock,
  options: { groups?: number | null; outputScale?: number } = {},
): Feature {
  const { config, outChannels } = block;
  return attentionBlock(m, path, x, {
    channels: outChannels,
    headDim: config.attention_head_dim ?? outChannels,
    groups: configuredGroups(block),
    epsilon: config.norm_eps,
    ...options,
  });
}

/** Adds the picture, brought to the block's channels by a 1 x 1 convolution. */
export function addPicture(m: ModuleBuilder, x: Feature, picture: Feature, outChannels: number): Feature {
  if (picture.channels !== pictureChannels) {
    m.problem(`${m.path} needs in_channels to be ${pictureChannels}, it is ${picture.channels}`);
  }
  return add(m, conv2d(m, 'skip_conv', picture, { outChannels, kernel: 1 }), x);
}
