import * as v from 'valibot';
import { channels, count, depth, fraction, nullable, only, unused } from '../config-fields.js';
import { type FeedForwardKind, feedForwardKinds } from '../layers/feed-forward.js';
import { failConfig, parseConfig } from '../parse-config.js';

/** What `config.json` of the class may say; diffusers' defaults filled in. */
export interface DiTTransformer2DConfig {
  num_attention_heads: number;
  attention_head_dim: number;
  in_channels: number;
  /** Default: as many as come in. */
  out_channels: number | null;
  num_layers: number;
  attention_bias: boolean;
  /** Height and width of the latents the positions were made for. */
  sample_size: number;
  patch_size: number;
  activation_fn: FeedForwardKind;
  /** Classes, one for "none" not counted. */
  num_embeds_ada_norm: number;
  norm_elementwise_affine: boolean;
  norm_eps: number;
}

const schema: v.GenericSchema<unknown, DiTTransformer2DConfig> = v.strictObject({
  num_attention_heads: v.optional(channels, 16),
  attention_head_dim: v.optional(channels, 72),
  in_channels: v.optional(channels, 4),
  out_channels: nullable(channels),
  num_layers: v.optional(depth, 28),
  attention_bias: v.optional(v.boolean(), true),
  sample_size: v.optional(channels, 32),
  patch_size: v.optional(count(256), 2),
  activation_fn: v.optional(v.picklist(feedForwardKinds), 'gelu-approximate'),
  num_embeds_ada_norm: v.optional(count(2 ** 24), 1000),
  norm_type: only('ada_norm_zero'),
  norm_elementwise_affine: v.optional(v.boolean(), false),
  norm_eps: v.optional(fraction, 1e-5),
  dropout: v.optional(fraction, 0),
  norm_num_groups: unused,
  upcast_attention: v.optional(v.boolean(), false),
});

/**
 * Checks a `config.json` of the class and fills in the class' defaults. Fields that start with `_` are let pass.
 *
 * @throws {SecateurError} BAD_CONFIG naming the field that is unknown, of a wrong type, out of range, or asks for a
 *   variant of the class that is not covered
 */
export function parseDiTTransformer2DConfig(json: unknown): DiTTransformer2DConfig {
  const config = parseConfig('DiTTransformer2DModel', schema, json);
  // The output is modulated by the first block's embedding of timestep and class.
  if (config.num_layers < 1) failConfig('num_layers', 'must be at least 1, is 0');
  checkWaves(config);
  if (config.sample_size < config.patch_size) {
    failConfig('sample_size', `is ${config.sample_size}, must be at least patch_size, ${config.patch_size}`);
  }
  return config;
}

/** Positions are sines and cosines of two coordinates, which takes channels by four. */
function checkWaves({ num_attention_heads: heads, attention_head_dim: dim }: DiTTransformer2DConfig): void {
  if ((heads * dim) % 4 !== 0)
    failConfig('attention_head_dim', `times heads is ${heads * dim}, must be a multiple of 4`);
}
