import type { WidthTies } from '@secateur/core';
import type { Coupling } from '@secateur/graph';
import { unetTies } from '../blocks/width-ties.js';
import { parseUNet2DConditionConfig } from './config.js';

/**
 * What a `UNet2DConditionModel` configuration can say about widths: see {@link unetTies}.
 *
 * @param roundTo  stage widths stay multiples of this
 */
export function unet2dConditionTies(json: unknown, coupling: Coupling, roundTo: number): WidthTies {
  const { stages, norm_num_groups } = parseUNet2DConditionConfig(json);
  const channels = stages.map((stage) => stage.channels);
  const headDims = stages.map((stage) => Math.floor(stage.channels / stage.heads));
  return unetTies({ channels, headDims, normGroups: [norm_num_groups] }, coupling, roundTo);
}
