import { blockResnet } from '../blocks/block.js';
import { type Attend, downLayers, thenHalve } from '../blocks/layers.js';
import { averageHalf, downsample, firHalf } from '../layers/samplers.js';
import type { Feature, ModuleBuilder } from '../module-builder.js';
import { addPicture, blockAttention, skipGroups, skipScale, type UNet2DBlock } from './block.js';
import type { DownBlockType } from './config.js';
import { kDownBlock } from './k-blocks.js';

export interface DownResult {
  out: Feature;
  /** Features for the up blocks, in the order they were made. */
  skips: Feature[];
  /** The input picture, made smaller by the `Skip` blocks. */
  picture: Feature;
}

type DownBlock = (m: ModuleBuilder, x: Feature, picture: Feature, block: UNet2DBlock) => DownResult;

/** The attentions of an attention block. */
const attentions =
  (m: ModuleBuilder, block: UNet2DBlock): Attend =>
  (x, i) =>
    blockAttention(m, `attentions.${i}`, x, block);

const downBlock2D: DownBlock = (m, x, picture, block) => ({
  picture,
  ...thenHalve(downLayers(m, x, block), block, (last) =>
    downsample(m, 'downsamplers.0', last, block.outChannels, block.config.downsample_padding),
  ),
});

const attnDownBlock2D: DownBlock = (m, x, picture, block) => ({
  picture,
  ...thenHalve(downLayers(m, x, block, attentions(m, block)), block, (last) =>
    block.config.downsample_type === 'resnet'
      ? blockResnet(m, 'downsamplers.0', last, block, { resample: averageHalf })
      : downsample(m, 'downsamplers.0', last, block.outChannels, block.config.downsample_padding),
  ),
});

const resnetDownsampleBlock2D: DownBlock = (m, x, picture, block) => ({
  picture,
  ...thenHalve(downLayers(m, x, block), block, (last) =>
    blockResnet(m, 'downsamplers.0', last, block, { resample: averageHalf }),
  ),
});

/** SkipDownBlock2D and AttnSkipDownBlock2D: a picture goes along, smaller with every block, and is added in. */
function skipDownBlock(
  m: ModuleBuilder,
  x: Feature,
  picture: Feature,
  block: UNet2DBlock,
  attention: boolean,
): DownResult {
  const { outChannels } = block;
  const groupsOut = skipGroups(outChannels);
  const skips: Feature[] = [];
  for (let i = 0; i < block.layers; i++) {
    const inChannels = i === 0 ? block.inChannels : outChannels;
    const groups = skipGroups(inChannels);
    x = blockResnet(m, `resnets.${i}`, x, block, { inChannels, groups, groupsOut, outputScale: skipScale });
    if (attention) x = blockAttention(m, `attentions.${i}`, x, block, { groups: 32, outputScale: skipScale });
    skips.push(x);
  }
  if (block.last) return { out: x, skips, picture };
  const halved = blockResnet(m, 'resnet_down', x, block, {
    groups: groupsOut,
    outputScale: skipScale,
    shortcut: true,
    resample: firHalf,
  });
  const smaller = m.at('downsamplers.0', () => firHalf(m, picture));
  const out = addPicture(m, halved, smaller, outChannels);
  return { out, skips: [...skips, out], picture: smaller };
}

export const downBlocks: Readonly<Record<DownBlockType, DownBlock>> = {
  DownBlock2D: downBlock2D,
  AttnDownBlock2D: attnDownBlock2D,
  ResnetDownsampleBlock2D: resnetDownsampleBlock2D,
  SkipDownBlock2D: (m, x, picture, block) => skipDownBlock(m, x, picture, block, false),
  AttnSkipDownBlock2D: (m, x, picture, block) => skipDownBlock(m, x, picture, block, true),
  KDownBlock2D: (m, x, picture, block) => ({ ...kDownBlock(m, x, block), picture }),
};
