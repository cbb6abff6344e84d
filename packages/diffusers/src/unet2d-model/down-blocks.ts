import type { Feature, ModuleBuilder } from '../module-builder.js';
import { addPicture, type BlockOptions, blockAttention, blockResnet, skipGroups, skipScale } from './block.js';
import type { DownBlockType } from './config.js';
import { kDownBlock } from './k-blocks.js';
import { averageHalf, downsample, firHalf } from './samplers.js';

export interface DownResult {
  out: Feature;
  /** Features for the up blocks, in the order they were made. */
  skips: Feature[];
  /** The input picture, made smaller by the `Skip` blocks. */
  picture: Feature;
}

type DownBlock = (m: ModuleBuilder, x: Feature, picture: Feature, block: BlockOptions) => DownResult;

/** Residual blocks, each followed by an attention if asked for; every result is a skip. */
function layers(m: ModuleBuilder, x: Feature, block: BlockOptions, attention: boolean): Feature[] {
  const skips: Feature[] = [];
  for (let i = 0; i < block.layers; i++) {
    x = blockResnet(m, `resnets.${i}`, x, block, { inChannels: i === 0 ? block.inChannels : block.outChannels });
    if (attention) x = blockAttention(m, `attentions.${i}`, x, block);
    skips.push(x);
  }
  return skips;
}

/** Ends a block by `halve` unless it is the last. */
function thenHalve(
  skips: Feature[],
  picture: Feature,
  block: BlockOptions,
  halve: (x: Feature) => Feature,
): DownResult {
  const all = block.last ? skips : [...skips, halve(skips.at(-1)!)];
  return { out: all.at(-1)!, skips: all, picture };
}

const downBlock2D: DownBlock = (m, x, picture, block) =>
  thenHalve(layers(m, x, block, false), picture, block, (last) =>
    downsample(m, 'downsamplers.0', last, block.outChannels, block.config.downsample_padding),
  );

const attnDownBlock2D: DownBlock = (m, x, picture, block) =>
  thenHalve(layers(m, x, block, true), picture, block, (last) =>
    block.config.downsample_type === 'resnet'
      ? blockResnet(m, 'downsamplers.0', last, block, { resample: averageHalf })
      : downsample(m, 'downsamplers.0', last, block.outChannels, block.config.downsample_padding),
  );

const resnetDownsampleBlock2D: DownBlock = (m, x, picture, block) =>
  thenHalve(layers(m, x, block, false), picture, block, (last) =>
    blockResnet(m, 'downsamplers.0', last, block, { resample: averageHalf }),
  );

/** SkipDownBlock2D and AttnSkipDownBlock2D: a picture goes along, smaller with every block, and is added in. */
function skipDownBlock(
  m: ModuleBuilder,
  x: Feature,
  picture: Feature,
  block: BlockOptions,
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
