import { add } from '../layers/combine.js';
import { conv2d } from '../layers/conv2d.js';
import type { Rows } from '../layers/linear.js';
import type { Feature, ModuleBuilder } from '../module-builder.js';
import { attentionBlock } from './attention-block.js';
import type { UNet2DConfig } from './config.js';
import { type Resample, resnetBlock } from './resnet-block.js';

/** What every block of the model is told. Channels are the configuration's. */
export interface BlockOptions {
  config: UNet2DConfig;
  inChannels: number;
  outChannels: number;
  layers: number;
  temb: Rows;
  /** The last block of either side keeps the size. */
  last: boolean;
}

/** Residual blocks and attentions of the `Skip` blocks divide what they return by this. */
export const skipScale: number = Math.SQRT2;

/** Pictures travel beside the `Skip` blocks with this many channels, whatever the model's own are. */
export const pictureChannels = 3;

/** Norm groups of the `Skip` blocks. */
export function skipGroups(channels: number): number {
  return Math.min(Math.floor(channels / 4), 32);
}

export function configuredGroups({ config }: BlockOptions): number {
  // Without a number only the blocks that choose their own groups can be built.
  return config.norm_num_groups ?? 0;
}

interface BlockResnetOptions {
  inChannels?: number;
  groups?: number;
  groupsOut?: number;
  outputScale?: number;
  shortcut?: boolean;
  resample?: Resample;
}

/** A residual block as a block of the model has it: output channels, activation and the like are the block's. */
export function blockResnet(
  m: ModuleBuilder,
  path: string,
  x: Feature,
  block: BlockOptions,
  options: BlockResnetOptions = {},
): Feature {
  const { config, outChannels, temb } = block;
  return resnetBlock(m, path, x, temb, {
    inChannels: outChannels,
    outChannels,
    groups: configuredGroups(block),
    epsilon: config.norm_eps,
    act: config.act_fn,
    timeScaleShift: config.resnet_time_scale_shift,
    ...options,
  });
}

export function blockAttention(
  m: ModuleBuilder,
  path: string,
  x: Feature,
  block: BlockOptions,
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
