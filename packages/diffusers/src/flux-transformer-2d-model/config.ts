import * as v from 'valibot';
import { channels, count, depth, nullable } from '../config-fields.js';
import { failConfig, parseConfig } from '../parse-config.js';

/** What `config.json` of the class may say; diffusers' defaults filled in. */
export interface FluxTransformer2DConfig {
  /** Patches are cut outside the model; of the output's width alone. */
  patch_size: number;
  in_channels: number;
  /** Default: as many as come in. */
  out_channels: number | null;
  num_layers: number;
  num_single_layers: number;
  attention_head_dim: number;
  num_attention_heads: number;
  /** Width of the prompt's embeddings. */
  joint_attention_dim: number;
  pooled_projection_dim: number;
  /** Whether the guidance scale is a condition, as in FLUX.1-dev. */
  guidance_embeds: boolean;
  /** Channels of a head that are turned by each axis of the positions. */
  axes_dims_rope: number[];
}

const schema: v.GenericSchema<unknown, FluxTransformer2DConfig> = v.strictObject({
  patch_size: v.optional(count(256), 1),
  in_channels: v.optional(channels, 64),
  out_channels: nullable(channels),
  num_layers: v.optional(depth, 19),
  num_single_layers: v.optional(depth, 38),
  attention_head_dim: v.optional(channels, 128),
  num_attention_heads: v.optional(channels, 24),
  joint_attention_dim: v.optional(channels, 4096),
  pooled_projection_dim: v.optional(channels, 768),
  guidance_embeds: v.optional(v.boolean(), false),
  axes_dims_rope: v.optional(v.pipe(v.array(channels), v.minLength(1), v.maxLength(8)), [16, 56, 56]),
});

/**
 * Checks a `config.json` of the class and fills in the class' defaults. Fields that start with `_` are let pass.
 *
 * @throws {SecateurError} BAD_CONFIG naming the field that is unknown, of a wrong type, or out of range
 */
export function parseFluxTransformer2DConfig(json: unknown): FluxTransformer2DConfig {
  const config = parseConfig('FluxTransformer2DModel', schema, json);
  const { axes_dims_rope: axes, attention_head_dim: headDim } = config;
  if (axes.some((dim) => dim % 2 !== 0)) failConfig('axes_dims_rope', `is [${axes.join(', ')}], must be even numbers`);
  const sum = axes.reduce((total, dim) => total + dim, 0);
  if (sum !== headDim) {
    failConfig('axes_dims_rope', `adds up to ${sum}, must be attention_head_dim, ${headDim}`);
  }
  return config;
}
