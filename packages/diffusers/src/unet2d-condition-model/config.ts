import * as v from 'valibot';
import { activationField, channels, count, finite, fraction, listOf, nullable, only } from '../config-fields.js';
import type { Activation } from '../layers/activation.js';
import { checkStages, failConfig, parseConfig } from '../parse-config.js';

/** Transformer blocks of one attention: attentions are many, so that the bound is lower than a transformer's. */
const attentionDepth = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(64));
const eachOrAll = <T>(schema: v.GenericSchema<unknown, T>) => v.union([schema, listOf(schema)]);

export type DownBlockType = 'CrossAttnDownBlock2D' | 'DownBlock2D';
export type UpBlockType = 'CrossAttnUpBlock2D' | 'UpBlock2D';
export type MidBlockType = 'UNetMidBlock2DCrossAttn' | 'UNetMidBlock2D';

/** Transformer blocks of the attentions of one block: one number for all, or one for each. */
export type Depths = number | number[];

/** What `config.json` of the class may say; diffusers' defaults filled in. */
interface Fields {
  sample_size: number | [number, number] | null;
  in_channels: number;
  out_channels: number;
  center_input_sample: boolean;
  flip_sin_to_cos: boolean;
  freq_shift: number;
  down_block_types: DownBlockType[];
  mid_block_type: MidBlockType | null;
  up_block_types: UpBlockType[];
  only_cross_attention: boolean | boolean[];
  block_out_channels: number[];
  layers_per_block: number | number[];
  downsample_padding: 0 | 1;
  mid_block_scale_factor: number;
  dropout: number;
  act_fn: Activation;
  norm_num_groups: number;
  norm_eps: number;
  cross_attention_dim: number | number[];
  transformer_layers_per_block: number | Depths[];
  reverse_transformer_layers_per_block: Depths[] | null;
  attention_head_dim: number | number[];
  use_linear_projection: boolean;
  class_embed_type: 'timestep' | 'identity' | 'projection' | null;
  addition_embed_type: 'text_time' | null;
  addition_time_embed_dim: number | null;
  num_class_embeds: number | null;
  upcast_attention: boolean;
  resnet_time_scale_shift: 'default' | 'scale_shift';
  time_embedding_dim: number | null;
  conv_in_kernel: 1 | 3;
  conv_out_kernel: 1 | 3;
  projection_class_embeddings_input_dim: number | null;
  mid_block_only_cross_attention: boolean | null;
  /** Width of the embedded guidance scale that models distilled for few steps take. */
  time_cond_proj_dim: number | null;
}

/** What one stage (a resolution) is made of, counted from the largest. */
export interface Stage {
  channels: number;
  layers: number;
  /** Attention heads. diffusers calls the field `attention_head_dim`, by a mistake that it keeps. */
  heads: number;
  /** Width of the text embeddings it attends to. */
  textWidth: number;
  /** Whether the first attention of a transformer block, too, looks at the text. */
  onlyCrossAttention: boolean;
  /** Transformer blocks behind each residual block, on the way down and on the way up. */
  downDepths: number[];
  upDepths: number[];
}

/** A checked configuration; per-stage settings as `stages`. */
export interface UNet2DConditionConfig extends Fields {
  stages: Stage[];
}

const schema: v.GenericSchema<unknown, Fields> = v.strictObject({
  sample_size: nullable(v.union([count(65_536), v.tuple([count(65_536), count(65_536)])])),
  in_channels: v.optional(channels, 4),
  out_channels: v.optional(channels, 4),
  center_input_sample: v.optional(v.boolean(), false),
  flip_sin_to_cos: v.optional(v.boolean(), true),
  freq_shift: v.optional(finite, 0),
  down_block_types: v.optional(listOf(v.picklist(['CrossAttnDownBlock2D', 'DownBlock2D'])), [
    'CrossAttnDownBlock2D',
    'CrossAttnDownBlock2D',
    'CrossAttnDownBlock2D',
    'DownBlock2D',
  ]),
  mid_block_type: v.optional(
    v.nullable(v.picklist(['UNetMidBlock2DCrossAttn', 'UNetMidBlock2D'])),
    'UNetMidBlock2DCrossAttn',
  ),
  up_block_types: v.optional(listOf(v.picklist(['CrossAttnUpBlock2D', 'UpBlock2D'])), [
    'UpBlock2D',
    'CrossAttnUpBlock2D',
    'CrossAttnUpBlock2D',
    'CrossAttnUpBlock2D',
  ]),
  only_cross_attention: v.optional(eachOrAll(v.boolean()), false),
  block_out_channels: v.optional(listOf(channels), [320, 640, 1280, 1280]),
  layers_per_block: v.optional(eachOrAll(count(64)), 2),
  downsample_padding: v.optional(v.picklist([0, 1]), 1),
  mid_block_scale_factor: v.optional(v.pipe(finite, v.notValue(0)), 1),
  dropout: v.optional(fraction, 0),
  act_fn: v.optional(activationField, 'silu'),
  norm_num_groups: v.optional(channels, 32),
  norm_eps: v.optional(fraction, 1e-5),
  cross_attention_dim: v.optional(eachOrAll(channels), 1280),
  transformer_layers_per_block: v.optional(v.union([attentionDepth, listOf(eachOrAll(attentionDepth))]), 1),
  reverse_transformer_layers_per_block: nullable(listOf(eachOrAll(attentionDepth))),
  attention_head_dim: v.optional(eachOrAll(channels), 8),
  use_linear_projection: v.optional(v.boolean(), false),
  class_embed_type: nullable(v.picklist(['timestep', 'identity', 'projection'])),
  addition_embed_type: nullable(v.picklist(['text_time'])),
  addition_time_embed_dim: nullable(channels),
  num_class_embeds: nullable(count(2 ** 24)),
  upcast_attention: v.optional(v.boolean(), false),
  resnet_time_scale_shift: v.optional(v.picklist(['default', 'scale_shift']), 'default'),
  time_embedding_dim: nullable(channels),
  conv_in_kernel: v.optional(v.picklist([1, 3]), 3),
  conv_out_kernel: v.optional(v.picklist([1, 3]), 3),
  projection_class_embeddings_input_dim: nullable(channels),
  mid_block_only_cross_attention: nullable(v.boolean()),
  time_cond_proj_dim: nullable(channels),
  // Without effect while addition_embed_type is not "text".
  addition_embed_type_num_heads: v.optional(v.number(), 64),
  attention_type: only('default'),
  class_embeddings_concat: only(false),
  cross_attention_norm: v.optional(v.null(), null),
  dual_cross_attention: only(false),
  encoder_hid_dim: v.optional(v.null(), null),
  encoder_hid_dim_type: v.optional(v.null(), null),
  num_attention_heads: v.optional(v.null(), null),
  resnet_out_scale_factor: only(1),
  resnet_skip_time_act: only(false),
  time_embedding_act_fn: v.optional(v.null(), null),
  time_embedding_type: only('positional'),
  timestep_post_act: v.optional(v.null(), null),
});

/**
 * Checks a `config.json` of the class and fills in the class' defaults. Fields that start with `_` are let pass.
 *
 * @throws {SecateurError} BAD_CONFIG naming the field that is unknown, of a wrong type, out of range, or asks for a
 *   variant of the class that is not covered
 */
export function parseUNet2DConditionConfig(json: unknown): UNet2DConditionConfig {
  const config = parseConfig('UNet2DConditionModel', schema, json);
  const levels = config.block_out_channels.length;
  for (const field of ['down_block_types', 'up_block_types'] as const) checkStages(field, config[field], levels);
  const half = Math.floor(config.block_out_channels[0]! / 2);
  if (half <= config.freq_shift) failConfig('freq_shift', `is ${config.freq_shift}, must be below ${half}`);
  checkEmbeddings(config);
  return { ...config, stages: stagesOf(config) };
}

function checkEmbeddings(config: Fields): void {
  const width = config.projection_class_embeddings_input_dim;
  if (config.class_embed_type === 'projection' && width === null) {
    failConfig('projection_class_embeddings_input_dim', 'must be a number when class_embed_type is "projection"');
  }
  if (config.addition_embed_type === null) return;
  const each = config.addition_time_embed_dim;
  if (each === null) failConfig('addition_time_embed_dim', 'must be a number when addition_embed_type is "text_time"');
  if (width === null || width <= each) {
    failConfig('projection_class_embeddings_input_dim', `must be above addition_time_embed_dim, ${each}, is ${width}`);
  }
}

function stagesOf(config: Fields): Stage[] {
  const count = config.block_out_channels.length;
  const of = <T extends boolean | number>(
    field: 'layers_per_block' | 'attention_head_dim' | 'cross_attention_dim' | 'only_cross_attention',
  ): T[] => {
    const given = config[field];
    if (!Array.isArray(given)) return new Array<T>(count).fill(given as T);
    checkStages(field, given, count);
    return given as T[];
  };
  const [layers, heads, textWidths] = [
    of<number>('layers_per_block'),
    of<number>('attention_head_dim'),
    of<number>('cross_attention_dim'),
  ];
  const onlyCrossAttention = of<boolean>('only_cross_attention');
  const { down, up } = depthsOf(config);
  return config.block_out_channels.map((channels, i) => {
    if (heads[i]! > channels) failConfig('attention_head_dim', `asks for ${heads[i]} heads of ${channels} channels`);
    return {
      channels,
      layers: layers[i]!,
      heads: heads[i]!,
      textWidth: textWidths[i]!,
      onlyCrossAttention: onlyCrossAttention[i]!,
      downDepths: perLayer('transformer_layers_per_block', down[i]!, layers[i]!),
      upDepths: perLayer('reverse_transformer_layers_per_block', up[i]!, layers[i]! + 1),
    };
  });
}

/** Depths by stage. On the way up they are those of the way down unless the configuration lists them, deepest first. */
function depthsOf(config: Fields): { down: Depths[]; up: Depths[] } {
  const { transformer_layers_per_block: given, reverse_transformer_layers_per_block: reversed } = config;
  const count = config.block_out_channels.length;
  const down = Array.isArray(given) ? given : new Array<Depths>(count).fill(given);
  checkStages('transformer_layers_per_block', down, count);
  if (!reversed) {
    if (down.some((entry) => Array.isArray(entry))) {
      failConfig(
        'reverse_transformer_layers_per_block',
        'must be given when transformer_layers_per_block lists layers',
      );
    }
    return { down, up: down };
  }
  checkStages('reverse_transformer_layers_per_block', reversed, count);
  return { down, up: [...reversed].reverse() };
}

function perLayer(field: string, depths: Depths, layers: number): number[] {
  if (!Array.isArray(depths)) return new Array<number>(layers).fill(depths);
  if (depths.length < layers) failConfig(field, `has ${depths.length} entries for ${layers} layers`);
  return depths.slice(0, layers);
}
