import type { Activation } from '../layers/activation.js';
import type { Rows } from '../layers/linear.js';
import { type Resample, resnetBlock } from '../layers/resnet-block.js';
import type { Feature, ModuleBuilder } from '../module-builder.js';

/** The fields of a configuration that the residual blocks of U-Nets and autoencoders read. */
export interface ResnetSettings {
  norm_num_groups: number | null;
  norm_eps: number;
  act_fn: Activation;
  resnet_time_scale_shift: 'default' | 'scale_shift';
}

/** What every block is told. Channels are the configuration's. */
export interface BlockOptions<Config extends ResnetSettings = ResnetSettings> {
  config: Config;
  inChannels: number;
  outChannels: number;
  layers: number;
  /** The time embedding, in models that know time. */
  temb?: Rows;
  /** The last block of either side keeps the size. */
  last: boolean;
}

export interface UpBlockOptions<Config extends ResnetSettings = ResnetSettings> extends BlockOptions<Config> {
  /** Channels of the block before, by the configuration. */
  previousChannels: number;
}

export function configuredGroups({ config }: BlockOptions): number {
  // Without a number only the blocks that choose their own groups can be built.
  return config.norm_num_groups ?? 0;
}

export interface BlockResnetOptions {
  inChannels?: number;
  groups?: number;
  groupsOut?: number;
  outputScale?: number;
  shortcut?: boolean;
  passed?: Feature;
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
