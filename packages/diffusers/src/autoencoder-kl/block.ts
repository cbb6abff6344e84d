import { attentionBlock } from '../blocks/attention-block.js';
import { type BlockOptions, blockResnet, type ResnetSettings } from '../blocks/block.js';
import { activation } from '../layers/activation.js';
import { conv2d } from '../layers/conv2d.js';
import { groupNorm } from '../layers/group-norm.js';
import type { Feature, ModuleBuilder } from '../module-builder.js';
import type { AutoencoderKLConfig } from './config.js';

/** Fixed in diffusers. */
const epsilon = 1e-6;

/** What the blocks of both halves are told: autoencoders know no time. */
export type AutoencoderBlock = BlockOptions<ResnetSettings & { norm_num_groups: number }>;

export function blockOptions(
  config: AutoencoderKLConfig,
  widths: Pick<AutoencoderBlock, 'inChannels' | 'outChannels' | 'layers' | 'last'>,
): AutoencoderBlock {
  const { norm_num_groups, act_fn } = config;
  return { ...widths, config: { norm_num_groups, act_fn, norm_eps: epsilon, resnet_time_scale_shift: 'default' } };
}

/** Self-attention of one head over pixels. */
export function blockAttention(m: ModuleBuilder, path: string, x: Feature, block: AutoencoderBlock): Feature {
  const { outChannels, config } = block;
  const groups = config.norm_num_groups;
  return attentionBlock(m, path, x, { channels: outChannels, headDim: outChannels, groups, epsilon });
}

/** UNetMidBlock2D: a residual block, an attention unless the configuration leaves it out, a residual block. */
export function midBlock(m: ModuleBuilder, x: Feature, config: AutoencoderKLConfig): Feature {
  const channels = config.block_out_channels.at(-1)!;
  const block = blockOptions(config, { inChannels: channels, outChannels: channels, layers: 1, last: true });
  return m.at('mid_block', () => {
    x = blockResnet(m, 'resnets.0', x, block);
    if (config.mid_block_add_attention) x = blockAttention(m, 'attentions.0', x, block);
    return blockResnet(m, 'resnets.1', x, block);
  });
}

/** How both halves end: norm, SiLU whatever `act_fn` says, convolution. */
export function outLayers(
  m: ModuleBuilder,
  x: Feature,
  config: AutoencoderKLConfig,
  out: { outChannels: number; prunable: boolean },
): Feature {
  const normed = groupNorm(m, 'conv_norm_out', x, { groups: config.norm_num_groups, epsilon });
  return conv2d(m, 'conv_out', activation(m, 'conv_act', 'silu', normed), { ...out, kernel: 3 });
}
