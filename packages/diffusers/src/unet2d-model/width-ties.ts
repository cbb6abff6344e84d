import type { WidthTies } from '@secateur/core';
import type { Coupling } from '@secateur/graph';
import { firstStageIsFixed, stageTies } from '../blocks/width-ties.js';
import type { UNet2DConfig } from './config.js';

/**
 * What a `UNet2DModel` configuration can say about widths: see {@link stageTies}.
 *
 * @param roundTo  stage widths stay multiples of this
 */
export function unet2dTies(config: UNet2DConfig, coupling: Coupling, roundTo: number): WidthTies {
  const channels = config.block_out_channels;
  const headDims = channels.map(() => config.attention_head_dim ?? 1);
  const normGroups = [config.norm_num_groups ?? 1, config.attn_norm_num_groups ?? 1];
  return stageTies({ channels, headDims, normGroups, fixed: firstStageIsFixed }, coupling, roundTo);
}
