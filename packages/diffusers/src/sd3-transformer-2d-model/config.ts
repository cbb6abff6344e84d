import * as v from 'valibot';
import { channels, count, depth, nullable } from '../config-fields.js';
import { type HeadNorm, headNorms } from '../layers/head-norm.js';
import { failConfig, parseConfig } from '../parse-config.js';

/** What `config.json` of the class may say; diffusers' defaults filled in. */
export interface SD3Transformer2DConfig {
  /** Height and width of the latents the positions were made for. */
  sample_size: number;
  patch_size: number;
  in_channels: number;
  /** `null`: as many as come in. */
  out_channels: number | null;
  num_layers: number;
  attention_head_dim: number;
  num_attention_heads: number;
  /** Width of the prompt's embeddings. */
  joint_attention_dim: number;
  /** Width of the text's stream: that of the picture's. */
  caption_projection_dim: number;
  pooled_projection_dim: number;
  /** Rows and columns of the table of positions; `null`: positions are computed for every size. */
  pos_embed_max_size: number | null;
  /** Blocks with a second attention, of the picture alone. */
  dual_attention_layers: number[];
  qk_norm: HeadNorm | null;
}

const schema: v.GenericSchema<unknown, SD3Transformer2DConfig> = v.strictObject({
  sample_size: v.optional(channels, 128),
  patch_size: v.optional(count(256), 2),
  in_channels: v.optional(channels, 16),
  out_channels: v.optional(v.nullable(channels), 16),
  num_layers: v.optional(depth, 18),
  attention_head_dim: v.optional(channels, 64),
  num_attention_heads: v.optional(channels, 18),
  joint_attention_dim: v.optional(channels, 4096),
  caption_projection_dim: v.optional(channels, 1152),
  pooled_projection_dim: v.optional(channels, 2048),
  pos_embed_max_size: v.optional(v.nullable(count(4096)), 96),
  dual_attention_layers: v.optional(v.pipe(v.array(v.pipe(v.number(), v.integer())), v.maxLength(512)), []),
  qk_norm: nullable(v.picklist(headNorms)),
});

/**
 * Checks a `config.json` of the class and fills in the class' defaults. Fields that start with `_` are let pass.
 *
 * @throws {SecateurError} BAD_CONFIG naming the field that is unknown, of a wrong type, out of range, or asks for a
 *   variant of the class that is not covered
 */
export function parseSD3Transformer2DConfig(json: unknown): SD3Transformer2DConfig {
  const config = parseConfig('SD3Transformer2DModel', schema, json);
  const inner = config.num_attention_heads * config.attention_head_dim;
  // Positions are sines and cosines of two coordinates, which takes channels by four.
  if (inner % 4 !== 0) failConfig('attention_head_dim', `times heads is ${inner}, must be a multiple of 4`);
  if (config.num_layers > 0 && config.caption_projection_dim !== inner) {
    failConfig(
      'caption_projection_dim',
      `is ${config.caption_projection_dim}, must be heads times their width, ${inner}`,
    );
  }
  if (config.sample_size < config.patch_size) {
    failConfig('sample_size', `is ${config.sample_size}, must be at least patch_size, ${config.patch_size}`);
  }
  return config;
}
