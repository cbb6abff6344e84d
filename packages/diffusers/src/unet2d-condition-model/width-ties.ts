import type { WidthTies } from '@secateur/core';
import type { Coupling } from '@secateur/graph';
import { firstStageIsFixed, stageTies } from '../blocks/width-ties.js';
import type { UNet2DConditionConfig } from './config.js';

/**
 * What a `UNet2DConditionModel` configuration can say about widths: see {@link stageTies}.
 *
 * @param roundTo  stage widths stay multiples of this
 */
export function unet2dConditionTies(
  { stages, norm_num_groups }: UNet2DConditionConfig,
  coupling: Coupling,
  roundTo: number,
): WidthTies {
  const channels = stages.map((stage) => stage.channels);
  const headDims = stages.map((stage) => Math.floor(stage.channels / stage.heads));
  return stageTies({ channels, headDims, normGroups: [norm_num_groups], fixed: firstStageIsFixed }, coupling, roundTo);
}
