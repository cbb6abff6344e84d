import type { WidthTies } from '@secateur/core';
import type { Coupling } from '@secateur/graph';
import { type Place, placeInUNet, stageTies } from '../blocks/width-ties.js';
import type { AutoencoderKLConfig } from './config.js';

/**
 * What an `AutoencoderKL` configuration can say about widths: one number per stage, for both halves. See {@link stageTies}.
 *
 * A stage with attention keeps its width: its one head is as wide as the stage, and the attention's scale follows from
 * that, while a cut keeps the scale of the head that was trained.
 *
 * @param roundTo  stage widths stay multiples of this
 */
export function autoencoderKLTies(config: AutoencoderKLConfig, coupling: Coupling, roundTo: number): WidthTies {
  const { block_out_channels: channels, norm_num_groups, down_block_types: down, up_block_types: up } = config;
  const last = channels.length - 1;
  const fixed = new Map<number, string>();
  channels.forEach((_, i) => {
    const attends =
      down[i] === 'AttnDownEncoderBlock2D' ||
      up[last - i] === 'AttnUpDecoderBlock2D' ||
      (i === last && config.mid_block_add_attention);
    if (attends) fixed.set(i, 'the configuration derives the attention’s scale from the width of the stage');
  });
  return stageTies({ channels, headDims: channels, normGroups: [norm_num_groups], fixed, placeOf }, coupling, roundTo);
}

/** The stage of a tensor of either half. The decoder begins at the smallest. */
function placeOf(tensor: string, last: number): Place {
  const [, half, name] = /^(encoder|decoder)\.(.+)$/.exec(tensor) ?? [];
  if (name === undefined) return 'elsewhere';
  return half === 'decoder' && name.startsWith('conv_in.') ? last : placeInUNet(name, last);
}
