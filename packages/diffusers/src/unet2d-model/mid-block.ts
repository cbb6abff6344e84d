import { blockResnet } from '../blocks/block.js';
import type { Feature, ModuleBuilder } from '../module-builder.js';
import { blockAttention, skipGroups, type UNet2DBlock } from './block.js';

/** UNetMidBlock2D: a residual block, an attention, a residual block. */
export function midBlock(m: ModuleBuilder, x: Feature, block: UNet2DBlock): Feature {
  const { config, outChannels } = block;
  const outputScale = config.mid_block_scale_factor;
  const groups = config.norm_num_groups ?? skipGroups(outChannels);
  const attentionGroups = config.attn_norm_num_groups ?? (config.resnet_time_scale_shift === 'default' ? groups : null);
  x = blockResnet(m, 'resnets.0', x, block, { groups, outputScale });
  if (config.add_attention) x = blockAttention(m, 'attentions.0', x, block, { groups: attentionGroups, outputScale });
  return blockResnet(m, 'resnets.1', x, block, { groups, outputScale });
}
