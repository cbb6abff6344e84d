import { activation } from '../layers/activation.js';
import { add, concat } from '../layers/combine.js';
import { conv2d } from '../layers/conv2d.js';
import { groupNorm } from '../layers/group-norm.js';
import type { Feature, ModuleBuilder } from '../module-builder.js';
import {
  type BlockOptions,
  blockAttention,
  blockResnet,
  configuredGroups,
  pictureChannels,
  skipGroups,
  skipScale,
} from './block.js';
import type { UpBlockType } from './config.js';
import { kUpBlock } from './k-blocks.js';
import { firTwice, nearestTwice, upsample } from './samplers.js';

export interface UpBlockOptions extends BlockOptions {
  /** Channels of the block before, by the configuration. */
  previousChannels: number;
}

export interface UpResult {
  out: Feature;
  /** The picture that the `Skip` blocks build up; absent before the first of them. */
  picture?: Feature;
}

type UpBlock = (
  m: ModuleBuilder,
  x: Feature,
  skips: readonly Feature[],
  picture: Feature | undefined,
  block: UpBlockOptions,
) => UpResult;

interface LayerOptions {
  attention?: boolean;
  groups: (inChannels: number, skipChannels: number) => number;
  groupsOut?: number;
  outputScale?: number;
}

/** Residual blocks over what came before and the skips, the last made first; each followed by an attention if asked for. */
function layers(
  m: ModuleBuilder,
  x: Feature,
  skips: readonly Feature[],
  block: UpBlockOptions,
  options: LayerOptions,
): Feature {
  const { attention, groups, ...rest } = options;
  for (let i = 0; i < block.layers; i++) {
    const skipChannels = i === block.layers - 1 ? block.inChannels : block.outChannels;
    const ownChannels = i === 0 ? block.previousChannels : block.outChannels;
    x = concat(m, x, skips.at(-1 - i)!);
    x = blockResnet(m, `resnets.${i}`, x, block, {
      inChannels: ownChannels + skipChannels,
      groups: groups(ownChannels, skipChannels),
      ...rest,
    });
    if (attention) x = blockAttention(m, `attentions.${i}`, x, block);
  }
  return x;
}

const upBlock2D: UpBlock = (m, x, skips, picture, block) => {
  const out = layers(m, x, skips, block, { groups: () => configuredGroups(block) });
  return { out: block.last ? out : upsample(m, 'upsamplers.0', out, block.outChannels), picture };
};

const attnUpBlock2D: UpBlock = (m, x, skips, picture, block) => {
  const out = layers(m, x, skips, block, { attention: true, groups: () => configuredGroups(block) });
  if (block.last) return { out, picture };
  return {
    out:
      block.config.upsample_type === 'resnet'
        ? blockResnet(m, 'upsamplers.0', out, block, { resample: nearestTwice })
        : upsample(m, 'upsamplers.0', out, block.outChannels),
    picture,
  };
};

const resnetUpsampleBlock2D: UpBlock = (m, x, skips, picture, block) => {
  const out = layers(m, x, skips, block, { groups: () => configuredGroups(block) });
  return { out: block.last ? out : blockResnet(m, 'upsamplers.0', out, block, { resample: nearestTwice }), picture };
};

const skipUpBlock2D: UpBlock = (m, x, skips, picture, block) => {
  const out = layers(m, x, skips, block, {
    groups: (inChannels, skipChannels) => skipGroups(inChannels + skipChannels),
    groupsOut: skipGroups(block.outChannels),
    outputScale: skipScale,
  });
  return buildPicture(m, out, picture, block);
};

const attnSkipUpBlock2D: UpBlock = (m, x, skips, picture, block) => {
  const out = layers(m, x, skips, block, {
    // diffusers divides the skip's channels alone by 4; a checkpoint's norms were trained like that.
    groups: (inChannels, skipChannels) => Math.min(inChannels + Math.floor(skipChannels / 4), 32),
    groupsOut: skipGroups(block.outChannels),
    outputScale: skipScale,
  });
  const attended = blockAttention(m, 'attentions.0', out, block, { groups: 32, outputScale: skipScale });
  return buildPicture(m, attended, picture, block);
};

/** End of the `Skip` blocks: the picture so far at twice the size, plus what this block makes of its features. */
function buildPicture(m: ModuleBuilder, x: Feature, picture: Feature | undefined, block: UpBlockOptions): UpResult {
  const larger = picture && m.at('upsampler', () => firTwice(m, picture));
  if (block.last) return { out: x, picture: larger };
  const { outChannels, config } = block;
  const groups = skipGroups(outChannels);
  const normed = groupNorm(m, 'skip_norm', x, { groups, epsilon: config.norm_eps });
  const drawn = conv2d(m, 'skip_conv', activation(m, 'act', 'silu', normed), {
    outChannels: pictureChannels,
    prunable: false,
    kernel: 3,
  });
  const out = blockResnet(m, 'resnet_up', x, block, {
    groups,
    outputScale: skipScale,
    shortcut: true,
    resample: firTwice,
  });
  return { out, picture: larger ? add(m, larger, drawn) : drawn };
}

export const upBlocks: Readonly<Record<UpBlockType, UpBlock>> = {
  UpBlock2D: upBlock2D,
  AttnUpBlock2D: attnUpBlock2D,
  ResnetUpsampleBlock2D: resnetUpsampleBlock2D,
  SkipUpBlock2D: skipUpBlock2D,
  AttnSkipUpBlock2D: attnSkipUpBlock2D,
  KUpBlock2D: (m, x, skips, picture, block) => ({ out: kUpBlock(m, x, skips, block), picture }),
};

/** How many skips a block of the type takes off the pile; it may read fewer. */
export function skipsTaken(type: UpBlockType, layers: number): number {
  return type === 'KUpBlock2D' ? layers - 1 : layers;
}
