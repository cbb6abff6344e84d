import { blockResnet, type UpBlockOptions } from '../blocks/block.js';
import { upLayers } from '../blocks/layers.js';
import { activation } from '../layers/activation.js';
import { add } from '../layers/combine.js';
import { conv2d } from '../layers/conv2d.js';
import { groupNorm } from '../layers/group-norm.js';
import { firTwice, nearestTwice, upsample } from '../layers/samplers.js';
import type { Feature, ModuleBuilder } from '../module-builder.js';
import { blockAttention, pictureChannels, skipGroups, skipScale, type UNet2DBlock } from './block.js';
import type { UNet2DConfig, UpBlockType } from './config.js';
import { kUpBlock } from './k-blocks.js';

type UNet2DUpBlock = UpBlockOptions<UNet2DConfig> & UNet2DBlock;

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
  block: UNet2DUpBlock,
) => UpResult;

const upBlock2D: UpBlock = (m, x, skips, picture, block) => {
  const out = upLayers(m, x, skips, block);
  return { out: block.last ? out : upsample(m, 'upsamplers.0', out, block.outChannels), picture };
};

const attnUpBlock2D: UpBlock = (m, x, skips, picture, block) => {
  const out = upLayers(m, x, skips, block, (hidden, i) => blockAttention(m, `attentions.${i}`, hidden, block));
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
  const out = upLayers(m, x, skips, block);
  return { out: block.last ? out : blockResnet(m, 'upsamplers.0', out, block, { resample: nearestTwice }), picture };
};

const skipUpBlock2D: UpBlock = (m, x, skips, picture, block) => {
  const out = upLayers(m, x, skips, block, undefined, {
    groups: (inChannels, skipChannels) => skipGroups(inChannels + skipChannels),
    groupsOut: skipGroups(block.outChannels),
    outputScale: skipScale,
  });
  return buildPicture(m, out, picture, block);
};

const attnSkipUpBlock2D: UpBlock = (m, x, skips, picture, block) => {
  const out = upLayers(m, x, skips, block, undefined, {
    // diffusers divides the skip's channels alone by 4; a checkpoint's norms were trained like that.
    groups: (inChannels, skipChannels) => Math.min(inChannels + Math.floor(skipChannels / 4), 32),
    groupsOut: skipGroups(block.outChannels),
    outputScale: skipScale,
  });
  const attended = blockAttention(m, 'attentions.0', out, block, { groups: 32, outputScale: skipScale });
  return buildPicture(m, attended, picture, block);
};

/** End of the `Skip` blocks: the picture so far at twice the size, plus what this block makes of its features. */
function buildPicture(m: ModuleBuilder, x: Feature, picture: Feature | undefined, block: UNet2DUpBlock): UpResult {
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
