import * as v from 'valibot';
import { activationField, channels, count, finite, listOf, nullable } from '../config-fields.js';
import type { Activation } from '../layers/activation.js';
import { checkStages, parseConfig } from '../parse-config.js';

export type DownBlockType = 'DownEncoderBlock2D' | 'AttnDownEncoderBlock2D';
export type UpBlockType = 'UpDecoderBlock2D' | 'AttnUpDecoderBlock2D';

/** What `config.json` of the class may say; diffusers' defaults filled in. */
export interface AutoencoderKLConfig {
  in_channels: number;
  out_channels: number;
  down_block_types: DownBlockType[];
  up_block_types: UpBlockType[];
  /** Width of each stage of both halves, the largest resolution first. */
  block_out_channels: number[];
  /** Residual blocks of a stage in the encoder; the decoder has one more. */
  layers_per_block: number;
  act_fn: Activation;
  latent_channels: number;
  norm_num_groups: number;
  sample_size: number | [number, number];
  /** How pipelines scale and move latents; neither half computes with them. */
  scaling_factor: number;
  shift_factor: number | null;
  latents_mean: number[] | null;
  latents_std: number[] | null;
  force_upcast: boolean;
  use_quant_conv: boolean;
  use_post_quant_conv: boolean;
  mid_block_add_attention: boolean;
}

const perChannel = nullable(v.pipe(v.array(finite), v.maxLength(65_536)));

const schema: v.GenericSchema<unknown, AutoencoderKLConfig> = v.strictObject({
  in_channels: v.optional(channels, 3),
  out_channels: v.optional(channels, 3),
  down_block_types: v.optional(listOf(v.picklist(['DownEncoderBlock2D', 'AttnDownEncoderBlock2D'])), [
    'DownEncoderBlock2D',
  ]),
  up_block_types: v.optional(listOf(v.picklist(['UpDecoderBlock2D', 'AttnUpDecoderBlock2D'])), ['UpDecoderBlock2D']),
  block_out_channels: v.optional(listOf(channels), [64]),
  layers_per_block: v.optional(count(64), 1),
  act_fn: v.optional(activationField, 'silu'),
  latent_channels: v.optional(channels, 4),
  norm_num_groups: v.optional(channels, 32),
  sample_size: v.optional(v.union([count(65_536), v.tuple([count(65_536), count(65_536)])]), 32),
  scaling_factor: v.optional(finite, 0.18215),
  shift_factor: nullable(finite),
  latents_mean: perChannel,
  latents_std: perChannel,
  force_upcast: v.optional(v.boolean(), true),
  use_quant_conv: v.optional(v.boolean(), true),
  use_post_quant_conv: v.optional(v.boolean(), true),
  mid_block_add_attention: v.optional(v.boolean(), true),
});

/**
 * Checks a `config.json` of the class and fills in the class' defaults. Fields that start with `_` are let pass.
 *
 * @throws {SecateurError} BAD_CONFIG naming the field that is unknown, of a wrong type or out of range
 */
export function parseAutoencoderKLConfig(json: unknown): AutoencoderKLConfig {
  const config = parseConfig('AutoencoderKL', schema, json);
  const levels = config.block_out_channels.length;
  for (const field of ['down_block_types', 'up_block_types'] as const) checkStages(field, config[field], levels);
  return config;
}
