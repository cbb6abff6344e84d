import * as v from 'valibot';
import { channels, count, depth, fraction, nullable, only, unused } from '../config-fields.js';
import { type FeedForwardKind, feedForwardKinds } from '../layers/feed-forward.js';
import { failConfig, parseConfig } from '../parse-config.js';

/** What `config.json` of the class may say; diffusers' defaults filled in. */
interface Fields {
  num_attention_heads: number;
  attention_head_dim: number;
  in_channels: number;
  /** `null`: as many as come in. */
  out_channels: number | null;
  num_layers: number;
  /** Width of what the second attention reads; `null`: there is none. */
  cross_attention_dim: number | null;
  attention_bias: boolean;
  /** Height and width of the latents the positions were made for. */
  sample_size: number;
  patch_size: number;
  activation_fn: FeedForwardKind;
  norm_elementwise_affine: boolean;
  norm_eps: number;
  interpolation_scale: number | null;
  use_additional_conditions: boolean | null;
  /** Width of the prompt's embeddings before they are projected; `null`: they are read as they are. */
  caption_channels: number | null;
}

/** A checked configuration; what diffusers makes of the latents' size filled in. */
export interface PixArtTransformer2DConfig extends Fields {
  interpolation_scale: number;
  /** Whether the picture's size and aspect ratio are conditions. */
  use_additional_conditions: boolean;
}

const schema: v.GenericSchema<unknown, Fields> = v.strictObject({
  num_attention_heads: v.optional(channels, 16),
  attention_head_dim: v.optional(channels, 72),
  in_channels: v.optional(channels, 4),
  out_channels: v.optional(v.nullable(channels), 8),
  num_layers: v.optional(depth, 28),
  cross_attention_dim: v.optional(v.nullable(channels), 1152),
  attention_bias: v.optional(v.boolean(), true),
  sample_size: v.optional(channels, 128),
  patch_size: v.optional(count(256), 2),
  activation_fn: v.optional(v.picklist(feedForwardKinds), 'gelu-approximate'),
  norm_elementwise_affine: v.optional(v.boolean(), false),
  norm_eps: v.optional(fraction, 1e-6),
  interpolation_scale: nullable(v.pipe(v.number(), v.finite(), v.minValue(2 ** -20))),
  use_additional_conditions: nullable(v.boolean()),
  caption_channels: nullable(channels),
  norm_type: only('ada_norm_single'),
  attention_type: only('default'),
  dropout: v.optional(fraction, 0),
  num_embeds_ada_norm: v.optional(count(2 ** 24), 1000),
  norm_num_groups: unused,
  upcast_attention: v.optional(v.boolean(), false),
});

/** Side of the latents that diffusers gives conditions by default: those of pictures of 1024 pixels. */
const conditionedSide = 128;

/**
 * Checks a `config.json` of the class and fills in the class' defaults. Fields that start with `_` are let pass.
 *
 * @throws {SecateurError} BAD_CONFIG naming the field that is unknown, of a wrong type, out of range, or asks for a
 *   variant of the class that is not covered
 */
export function parsePixArtTransformer2DConfig(json: unknown): PixArtTransformer2DConfig {
  const config = parseConfig('PixArtTransformer2DModel', schema, json);
  const { sample_size: side, patch_size: patch } = config;
  if (side < patch) failConfig('sample_size', `is ${side}, must be at least patch_size, ${patch}`);
  const hasConditions = config.use_additional_conditions ?? side === conditionedSide;
  checkWidths(config, hasConditions);
  return {
    ...config,
    interpolation_scale: config.interpolation_scale ?? Math.max(Math.floor(side / 64), 1),
    use_additional_conditions: hasConditions,
  };
}

function checkWidths(config: Fields, hasConditions: boolean): void {
  const inner = config.num_attention_heads * config.attention_head_dim;
  // Positions are sines and cosines of two coordinates, which takes channels by four.
  if (inner % 4 !== 0) failConfig('attention_head_dim', `times heads is ${inner}, must be a multiple of 4`);
  if (hasConditions && inner % 3 !== 0) {
    failConfig('use_additional_conditions', `shares ${inner} channels among three embeddings, which 3 does not divide`);
  }
  const { caption_channels: captions, cross_attention_dim: cross } = config;
  if (captions !== null && cross !== inner) {
    failConfig('cross_attention_dim', `is ${cross}, must be heads times their width, ${inner}, with caption_channels`);
  }
}
