import * as v from 'valibot';
import { activationField, channels, count, finite, fraction, listOf, nullable } from '../config-fields.js';
import type { Activation } from '../layers/activation.js';
import { checkStages, failConfig, parseConfig } from '../parse-config.js';

/** Down blocks that the class can be made of, without the `UNetRes` that old configurations put in front. */
export const downBlockTypes = [
  'DownBlock2D',
  'AttnDownBlock2D',
  'ResnetDownsampleBlock2D',
  'SkipDownBlock2D',
  'AttnSkipDownBlock2D',
  'KDownBlock2D',
] as const;
export const upBlockTypes = [
  'UpBlock2D',
  'AttnUpBlock2D',
  'ResnetUpsampleBlock2D',
  'SkipUpBlock2D',
  'AttnSkipUpBlock2D',
  'KUpBlock2D',
] as const;

export type DownBlockType = (typeof downBlockTypes)[number];
export type UpBlockType = (typeof upBlockTypes)[number];

const blockType = <const T extends readonly string[]>(types: T) =>
  v.pipe(
    v.string(),
    v.transform((name) => name.replace(/^UNetRes/, '')),
    v.picklist(types),
  );

/** `config.json` of the class, its defaults filled in. The fields are those of diffusers' `UNet2DModel`. */
export interface UNet2DConfig {
  sample_size: number | [number, number] | null;
  in_channels: number;
  out_channels: number;
  center_input_sample: boolean;
  time_embedding_type: 'positional' | 'fourier' | 'learned';
  time_embedding_dim: number | null;
  freq_shift: number;
  flip_sin_to_cos: boolean;
  down_block_types: DownBlockType[];
  mid_block_type: 'UNetMidBlock2D' | null;
  up_block_types: UpBlockType[];
  block_out_channels: number[];
  layers_per_block: number;
  mid_block_scale_factor: number;
  downsample_padding: 0 | 1;
  downsample_type: 'conv' | 'resnet' | null;
  upsample_type: 'conv' | 'resnet' | null;
  dropout: number;
  act_fn: Activation;
  attention_head_dim: number | null;
  norm_num_groups: number | null;
  attn_norm_num_groups: number | null;
  norm_eps: number;
  resnet_time_scale_shift: 'default' | 'scale_shift';
  add_attention: boolean;
  class_embed_type: 'timestep' | 'identity' | null;
  num_class_embeds: number | null;
  num_train_timesteps: number | null;
}

const schema: v.GenericSchema<unknown, UNet2DConfig> = v.strictObject({
  sample_size: nullable(v.union([count(65_536), v.tuple([count(65_536), count(65_536)])])),
  in_channels: v.optional(channels, 3),
  out_channels: v.optional(channels, 3),
  center_input_sample: v.optional(v.boolean(), false),
  time_embedding_type: v.optional(v.picklist(['positional', 'fourier', 'learned']), 'positional'),
  time_embedding_dim: nullable(channels),
  freq_shift: v.optional(finite, 0),
  flip_sin_to_cos: v.optional(v.boolean(), true),
  down_block_types: v.optional(listOf(blockType(downBlockTypes)), [
    'DownBlock2D',
    'AttnDownBlock2D',
    'AttnDownBlock2D',
    'AttnDownBlock2D',
  ]),
  mid_block_type: v.optional(v.nullable(v.picklist(['UNetMidBlock2D'])), 'UNetMidBlock2D'),
  up_block_types: v.optional(listOf(blockType(upBlockTypes)), [
    'AttnUpBlock2D',
    'AttnUpBlock2D',
    'AttnUpBlock2D',
    'UpBlock2D',
  ]),
  block_out_channels: v.optional(listOf(channels), [224, 448, 672, 896]),
  layers_per_block: v.optional(count(64), 2),
  mid_block_scale_factor: v.optional(v.pipe(finite, v.notValue(0)), 1),
  downsample_padding: v.optional(v.picklist([0, 1]), 1),
  downsample_type: v.optional(v.nullable(v.picklist(['conv', 'resnet'])), 'conv'),
  upsample_type: v.optional(v.nullable(v.picklist(['conv', 'resnet'])), 'conv'),
  dropout: v.optional(fraction, 0),
  act_fn: v.optional(activationField, 'silu'),
  attention_head_dim: v.optional(v.nullable(channels), 8),
  norm_num_groups: v.optional(v.nullable(channels), 32),
  attn_norm_num_groups: nullable(channels),
  norm_eps: v.optional(fraction, 1e-5),
  resnet_time_scale_shift: v.optional(v.picklist(['default', 'scale_shift']), 'default'),
  add_attention: v.optional(v.boolean(), true),
  class_embed_type: nullable(v.picklist(['timestep', 'identity'])),
  num_class_embeds: nullable(count(2 ** 24)),
  num_train_timesteps: nullable(count(2 ** 24)),
});

/**
 * Checks a `config.json` of the class and fills in the class' defaults. Fields that start with `_` are let pass.
 *
 * @throws {SecateurError} BAD_CONFIG naming the field that is unknown, of a wrong type or out of range
 */
export function parseUNet2DConfig(json: unknown): UNet2DConfig {
  const config = parseConfig('UNet2DModel', schema, json);
  const levels = config.block_out_channels.length;
  for (const field of ['down_block_types', 'up_block_types'] as const) checkStages(field, config[field], levels);
  if (config.time_embedding_type === 'learned' && config.num_train_timesteps === null) {
    failConfig('num_train_timesteps', 'must be a number when time_embedding_type is "learned"');
  }
  if (config.time_embedding_type === 'positional') {
    const half = Math.floor(config.block_out_channels[0]! / 2);
    if (half <= config.freq_shift) failConfig('freq_shift', `is ${config.freq_shift}, must be below ${half}`);
  }
  return config;
}
