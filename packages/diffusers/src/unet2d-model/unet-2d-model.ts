import { symbol } from '@secateur/graph';
import { newAttentionNames } from '../blocks/attention-block.js';
import { center, sampleSizes } from '../blocks/sample.js';
import { middle, stagesLeft } from '../blocks/stages.js';
import { activation } from '../layers/activation.js';
import { timeAndClassEmbedding } from '../layers/class-embedding.js';
import { add } from '../layers/combine.js';
import { conv2d } from '../layers/conv2d.js';
import { groupNorm } from '../layers/group-norm.js';
import type { Rows } from '../layers/linear.js';
import { unetLoadScript } from '../load-script/unet.js';
import { defineModelClass, type ModelClass } from '../model-class.js';
import type { Feature, ModuleBuilder } from '../module-builder.js';
import { failConfig } from '../parse-config.js';
import { skipGroups, type UNet2DBlock } from './block.js';
import { changedFields } from './changed-fields.js';
import { parseUNet2DConfig, type UNet2DConfig } from './config.js';
import { downBlocks } from './down-blocks.js';
import { midBlock } from './mid-block.js';
import { skipsTaken, upBlocks } from './up-blocks.js';
import { unet2dTies } from './width-ties.js';

/**
 * UNet2DModel.
 *
 * Inputs: `sample` float32 `[batch, in_channels, height, width]`; `timestep` `[batch]`, int64, or float32 with a Fourier
 * time embedding; `class_labels` when class-conditional. Output: `out` float32 `[batch, out_channels, height, width]`.
 *
 * Without a `sample_size`, the size is the smallest of 32 and more that fits its levels.
 */
export const unet2dModel: ModelClass = defineModelClass({
  name: 'UNet2DModel',
  parse: parseUNet2DConfig,
  write: writeModel,
  sizes: (config) => ({ ...sampleSizes(config) }),
  changedFields,
  // The sines of a timestep depend on how many there are: another first width would be another function.
  sameFunction: (config, candidate) =>
    config.time_embedding_type !== 'positional' || config.block_out_channels[0] === candidate.block_out_channels[0],
  newName: newAttentionNames,
  ties: unet2dTies,
  loadScript: unetLoadScript,
});

function writeModel(m: ModuleBuilder, config: UNet2DConfig): void {
  const { graph } = m;
  const [batch, height, width] = [symbol('batch'), symbol('height'), symbol('width')];
  const sample = graph.input('sample', 'float32', [batch, config.in_channels, height, width]);
  const { temb, divisor } = timeAndClassEmbedding(m, config);

  const picture = center(m, { value: sample, channels: config.in_channels, level: 0 }, config);
  const channels = config.block_out_channels;
  const first = conv2d(m, 'conv_in', picture, { outChannels: channels[0]!, kernel: 3 });
  const left = stagesLeft(m, channels.length);
  const { out: bottom, skips } = writeDownBlocks(m, first, picture, config, temb, left);
  const hasMiddle = config.mid_block_type !== null && left === channels.length;
  const inner = hasMiddle
    ? middle(m, bottom, config.mid_block_scale_factor, () => midBlock(m, bottom, midOptions(config, temb)))
    : bottom;
  const { out: top, picture: drawn } = writeUpBlocks(m, inner, skips, config, temb, left);

  const groups = config.norm_num_groups ?? skipGroups(channels[0]!);
  const normed = groupNorm(m, 'conv_norm_out', top, { groups, epsilon: config.norm_eps });
  const active = activation(m, 'conv_act', 'silu', normed);
  let out = conv2d(m, 'conv_out', active, { outChannels: config.out_channels, prunable: false, kernel: 3 });
  if (drawn) out = add(m, out, drawn);
  if (divisor) out = { ...out, value: graph.op('Div', [out.value, divisor]) };
  graph.output(out.value, 'float32', [batch, config.out_channels, height, width], 'out');
}

function writeDownBlocks(
  m: ModuleBuilder,
  first: Feature,
  picture: Feature,
  config: UNet2DConfig,
  temb: Rows,
  left: number,
): { out: Feature; skips: Feature[] } {
  const channels = config.block_out_channels;
  const skips = [first];
  let out = first;
  config.down_block_types.slice(0, left).forEach((type, i) => {
    const result = m.at(`down_blocks.${i}`, () =>
      downBlocks[type](m, out, picture, {
        config,
        temb,
        inChannels: channels[Math.max(i - 1, 0)]!,
        outChannels: channels[i]!,
        layers: config.layers_per_block,
        last: i === left - 1,
      }),
    );
    ({ out, picture } = result);
    skips.push(...result.skips);
  });
  return { out, skips };
}

function midOptions(config: UNet2DConfig, temb: Rows): UNet2DBlock {
  const channels = config.block_out_channels.at(-1)!;
  return { config, temb, inChannels: channels, outChannels: channels, layers: 1, last: true };
}

function writeUpBlocks(
  m: ModuleBuilder,
  bottom: Feature,
  skips: Feature[],
  config: UNet2DConfig,
  temb: Rows,
  left: number,
): { out: Feature; picture?: Feature } {
  const channels = [...config.block_out_channels].reverse();
  const layers = config.layers_per_block + 1;
  let out = bottom;
  let picture: Feature | undefined;
  config.up_block_types.forEach((type, i) => {
    if (i < channels.length - left) return;
    const wanted = skipsTaken(type, layers);
    const taken = skips.splice(-wanted);
    if (taken.length < wanted) {
      failConfig('up_block_types', `needs ${wanted} skips for up block ${i}, the down blocks leave ${taken.length}`);
    }
    ({ out, picture } = m.at(`up_blocks.${i}`, () =>
      upBlocks[type](m, out, taken, picture, {
        config,
        temb,
        previousChannels: channels[Math.max(i - 1, 0)]!,
        inChannels: channels[Math.min(i + 1, channels.length - 1)]!,
        outChannels: channels[i]!,
        layers,
        last: i === channels.length - 1,
      }),
    ));
  });
  return { out, picture };
}
