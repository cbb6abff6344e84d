import { symbol } from '@secateur/graph';
import { center, sampleSizes } from '../blocks/sample.js';
import { middle, stagesLeft } from '../blocks/stages.js';
import { activation } from '../layers/activation.js';
import { timeAndClassEmbedding } from '../layers/class-embedding.js';
import { conv2d } from '../layers/conv2d.js';
import { groupNorm } from '../layers/group-norm.js';
import type { Rows } from '../layers/linear.js';
import { unetLoadScript } from '../load-script/unet.js';
import { defineModelClass, type ModelClass } from '../model-class.js';
import type { Feature, ModuleBuilder } from '../module-builder.js';
import { failConfig } from '../parse-config.js';
import { addTextAndTime } from './added-embedding.js';
import { downBlock, midBlock, upBlock } from './blocks.js';
import { changedFields } from './changed-fields.js';
import { parseUNet2DConditionConfig, type UNet2DConditionConfig } from './config.js';
import { unet2dConditionTies } from './width-ties.js';

/** Tokens of a prompt, as CLIP's text encoder makes them. */
const usualTokens = 77;

/**
 * UNet2DConditionModel: Stable Diffusion 1 and 2, SDXL, and models distilled from them.
 *
 * Inputs: `sample` float32 `[batch, in_channels, height, width]`; `timestep` int64 `[batch]`; `encoder_hidden_states`
 * float32 `[batch, tokens, cross_attention_dim]`; with `addition_embed_type: 'text_time'` also `text_embeds` float32
 * `[batch, text width]` and `time_ids` float32 `[batch, ids]`; with `time_cond_proj_dim` also `timestep_cond` float32
 * `[batch, time_cond_proj_dim]`; `class_labels` when class-conditional. Output: `out`
 * float32 `[batch, out_channels, height, width]`.
 *
 * Height and width are multiples of `2 ** (stages - 1)`, unless `sample_size` is none: then the graph runs at any size, as
 * diffusers does.
 */
export const unet2dConditionModel: ModelClass = defineModelClass({
  name: 'UNet2DConditionModel',
  parse: parseUNet2DConditionConfig,
  write: writeModel,
  sizes: (config) => ({ ...sampleSizes(config), tokens: usualTokens }),
  changedFields,
  // The sines of a timestep depend on how many there are: another first width would be another function.
  sameFunction: (config, candidate) => config.block_out_channels[0] === candidate.block_out_channels[0],
  ties: unet2dConditionTies,
  loadScript: unetLoadScript,
});

/** What every block reads. */
interface Conditions {
  config: UNet2DConditionConfig;
  temb: Rows;
  /** The prompt, `[batch, tokens, width]`. */
  text: Rows;
}

function writeModel(m: ModuleBuilder, config: UNet2DConditionConfig): void {
  const { graph } = m;
  const [batch, height, width] = [symbol('batch'), symbol('height'), symbol('width')];
  const sample = graph.input('sample', 'float32', [batch, config.in_channels, height, width]);
  const { temb: time } = timeAndClassEmbedding(m, config, config.act_fn);
  const conditions: Conditions = { config, text: textInput(m, config), temb: addTextAndTime(m, time, config) };

  const latent = center(m, { value: sample, channels: config.in_channels, level: 0 }, config);
  const channels = config.block_out_channels;
  const first = conv2d(m, 'conv_in', latent, { outChannels: channels[0]!, kernel: config.conv_in_kernel });
  const left = stagesLeft(m, config.stages.length);
  const { out: bottom, skips } = writeDownBlocks(m, first, conditions, left);
  const inner = left === config.stages.length ? writeMidBlock(m, bottom, conditions) : bottom;
  const top = writeUpBlocks(m, inner, skips, conditions, left);

  const normed = groupNorm(m, 'conv_norm_out', top, { groups: config.norm_num_groups, epsilon: config.norm_eps });
  const active = activation(m, 'conv_act', config.act_fn, normed);
  const { conv_out_kernel: kernel, out_channels: outChannels } = config;
  const out = conv2d(m, 'conv_out', active, { outChannels, prunable: false, kernel });
  graph.output(out.value, 'float32', [batch, outChannels, height, width], 'out');
}

/** The input `encoder_hidden_states`. All stages read the same prompt, so their widths must agree. */
function textInput(m: ModuleBuilder, { stages }: UNet2DConditionConfig): Rows {
  const width = stages[0]!.textWidth;
  if (stages.some((stage) => stage.textWidth !== width)) {
    failConfig('cross_attention_dim', 'gives stages texts of different widths, and they all read the same one');
  }
  const value = m.graph.input('encoder_hidden_states', 'float32', [symbol('batch'), symbol('tokens'), width]);
  return { value, width };
}

function writeDownBlocks(
  m: ModuleBuilder,
  first: Feature,
  { config, ...conditions }: Conditions,
  left: number,
): { out: Feature; skips: Feature[] } {
  const { stages } = config;
  const skips = [first];
  let out = first;
  config.down_block_types.slice(0, left).forEach((type, i) => {
    const stage = stages[i]!;
    const block = {
      config,
      ...conditions,
      stage,
      inChannels: stages[Math.max(i - 1, 0)]!.channels,
      outChannels: stage.channels,
      layers: stage.layers,
      last: i === left - 1,
    };
    const result = m.at(`down_blocks.${i}`, () => downBlock(m, out, block, type === 'CrossAttnDownBlock2D'));
    out = result.out;
    skips.push(...result.skips);
  });
  return { out, skips };
}

function writeMidBlock(m: ModuleBuilder, x: Feature, { config, ...conditions }: Conditions): Feature {
  const type = config.mid_block_type;
  if (type === null) return x;
  const stage = config.stages.at(-1)!;
  const { channels } = stage;
  const block = { config, ...conditions, stage, inChannels: channels, outChannels: channels, layers: 1, last: true };
  return middle(m, x, config.mid_block_scale_factor, () => midBlock(m, x, block, type));
}

function writeUpBlocks(
  m: ModuleBuilder,
  bottom: Feature,
  skips: Feature[],
  { config, ...conditions }: Conditions,
  left: number,
): Feature {
  const stages = [...config.stages].reverse();
  let out = bottom;
  config.up_block_types.forEach((type, i) => {
    if (i < stages.length - left) return;
    const stage = stages[i]!;
    const layers = stage.layers + 1;
    const block = {
      config,
      ...conditions,
      stage,
      previousChannels: stages[Math.max(i - 1, 0)]!.channels,
      inChannels: stages[Math.min(i + 1, stages.length - 1)]!.channels,
      outChannels: stage.channels,
      layers,
      last: i === stages.length - 1,
    };
    const taken = skips.splice(-layers);
    const like = halvesEvenly(config) ? undefined : skips.at(-1);
    out = m.at(`up_blocks.${i}`, () => upBlock(m, out, taken, { ...block, like }, type === 'CrossAttnUpBlock2D'));
  });
  return out;
}

/**
 * Whether every size on the way down is twice the next. Then doubling is the way up: a constant factor, which runtimes and
 * gradients make more of than of a size read from the skip's shape.
 */
function halvesEvenly(config: UNet2DConditionConfig): boolean {
  const { height, width } = sampleSizes(config);
  const factor = 2 ** (config.stages.length - 1);
  return height % factor === 0 && width % factor === 0;
}
