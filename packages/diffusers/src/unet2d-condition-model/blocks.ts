import { type BlockOptions, blockResnet, type UpBlockOptions } from '../blocks/block.js';
import { type Attend, downLayers, thenHalve, upLayers } from '../blocks/layers.js';
import type { Rows } from '../layers/linear.js';
import { downsample, upsample } from '../layers/samplers.js';
import type { Feature, ModuleBuilder } from '../module-builder.js';
import type { MidBlockType, Stage, UNet2DConditionConfig } from './config.js';
import { transformer2D } from './transformer-2d.js';

/** What attentions are told beside the block's own settings. */
export interface TextOptions {
  stage: Stage;
  /** `[batch, tokens, width]` */
  text: Rows;
}

type Down = BlockOptions<UNet2DConditionConfig> & TextOptions;
type Up = UpBlockOptions<UNet2DConditionConfig> &
  TextOptions & {
    /** Has the size that the block ends with, where twice its own is not sure to be that. */
    like?: Feature;
  };

/** The transformers behind a block's residual blocks, `depths[i]` blocks deep. */
function transformers(m: ModuleBuilder, block: Down, depths: readonly number[]): Attend {
  const { config, stage, text } = block;
  return (x, i) =>
    transformer2D(m, `attentions.${i}`, x, {
      channels: block.outChannels,
      heads: stage.heads,
      depth: depths[i]!,
      groups: config.norm_num_groups,
      text,
      onlyCrossAttention: stage.onlyCrossAttention,
      linear: config.use_linear_projection,
    });
}

/** CrossAttnDownBlock2D, or DownBlock2D without attentions. */
export function downBlock(
  m: ModuleBuilder,
  x: Feature,
  block: Down,
  attention: boolean,
): { out: Feature; skips: Feature[] } {
  const skips = downLayers(m, x, block, attention ? transformers(m, block, block.stage.downDepths) : undefined);
  return thenHalve(skips, block, (last) =>
    downsample(m, 'downsamplers.0', last, block.outChannels, block.config.downsample_padding),
  );
}

/** CrossAttnUpBlock2D, or UpBlock2D without attentions. */
export function upBlock(
  m: ModuleBuilder,
  x: Feature,
  skips: readonly Feature[],
  block: Up,
  attention: boolean,
): Feature {
  const attend = attention ? transformers(m, block, block.stage.upDepths) : undefined;
  const out = upLayers(m, x, skips, block, attend);
  return block.last ? out : upsample(m, 'upsamplers.0', out, block.outChannels, block.like);
}

/** UNetMidBlock2DCrossAttn: a residual block, an attention, a residual block. UNetMidBlock2D: one residual block. */
export function midBlock(m: ModuleBuilder, x: Feature, block: Down, type: MidBlockType): Feature {
  const outputScale = block.config.mid_block_scale_factor;
  x = blockResnet(m, 'resnets.0', x, block, { outputScale });
  if (type === 'UNetMidBlock2D') return x;
  // Not the stage's own choice: diffusers lets only blocks of other types leave self-attention out of the middle.
  const stage = { ...block.stage, onlyCrossAttention: false };
  x = transformers(m, { ...block, stage }, block.stage.downDepths)(x, 0);
  return blockResnet(m, 'resnets.1', x, block, { outputScale });
}
