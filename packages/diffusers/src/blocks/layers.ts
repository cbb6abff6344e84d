import { concat } from '../layers/combine.js';
import type { Feature, ModuleBuilder } from '../module-builder.js';
import { type BlockOptions, blockResnet, configuredGroups, type UpBlockOptions } from './block.js';

/** Writes the attention behind residual block `i`. */
export type Attend = (x: Feature, i: number) => Feature;

/** Residual blocks of a down block, each followed by an attention if there is one; every result is a skip. */
export function downLayers(m: ModuleBuilder, x: Feature, block: BlockOptions, attend?: Attend): Feature[] {
  const skips: Feature[] = [];
  for (let i = 0; i < block.layers; i++) {
    x = blockResnet(m, `resnets.${i}`, x, block, { inChannels: i === 0 ? block.inChannels : block.outChannels });
    if (attend) x = attend(x, i);
    skips.push(x);
  }
  return skips;
}

/** The skips of a down block and what it hands on, once `halve` has ended it; the last block is not halved. */
export function thenHalve(
  skips: readonly Feature[],
  block: BlockOptions,
  halve: (x: Feature) => Feature,
): { out: Feature; skips: Feature[] } {
  const all = block.last ? [...skips] : [...skips, halve(skips.at(-1)!)];
  return { out: all.at(-1)!, skips: all };
}

export interface UpLayerOptions {
  /** Norm groups of a residual block's first norm. Default: the configuration's. */
  groups?: (inChannels: number, skipChannels: number) => number;
  groupsOut?: number;
  outputScale?: number;
}

/** Residual blocks over what came before and the skips, the last made first; each followed by an attention if there is one. */
export function upLayers(
  m: ModuleBuilder,
  x: Feature,
  skips: readonly Feature[],
  block: UpBlockOptions,
  attend?: Attend,
  { groups, ...rest }: UpLayerOptions = {},
): Feature {
  for (let i = 0; i < block.layers; i++) {
    const skipChannels = i === block.layers - 1 ? block.inChannels : block.outChannels;
    const ownChannels = i === 0 ? block.previousChannels : block.outChannels;
    const passed = x;
    x = blockResnet(m, `resnets.${i}`, concat(m, x, skips.at(-1 - i)!), block, {
      passed,
      inChannels: ownChannels + skipChannels,
      groups: groups ? groups(ownChannels, skipChannels) : configuredGroups(block),
      ...rest,
    });
    if (attend) x = attend(x, i);
  }
  return x;
}
