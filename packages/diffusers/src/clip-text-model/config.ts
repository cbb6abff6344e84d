import * as v from 'valibot';
import { channels, count, fraction } from '../config-fields.js';
import type { Activation } from '../layers/activation.js';
import { failConfig } from '../parse-config.js';
import { activationNamed, parseTransformersConfig } from '../transformers-config.js';

/** What of a CLIP text model's `config.json` the model depends on; transformers' defaults filled in. */
export interface CLIPTextConfig {
  vocab_size: number;
  hidden_size: number;
  intermediate_size: number;
  /** Width of `text_embeds`. */
  projection_dim: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  max_position_embeddings: number;
  /** Of `hidden_act`. */
  act: Activation;
  layer_norm_eps: number;
  /** The token whose state is the pooled one; 2 stands for "the largest", a mistake that old checkpoints rely on. */
  eos_token_id: number;
}

const fields = {
  vocab_size: v.optional(count(2 ** 24), 49_408),
  hidden_size: v.optional(channels, 512),
  intermediate_size: v.optional(channels, 2048),
  projection_dim: v.optional(v.nullable(channels), 512),
  num_hidden_layers: v.optional(count(512), 12),
  num_attention_heads: v.optional(channels, 8),
  max_position_embeddings: v.optional(channels, 77),
  hidden_act: v.optional(v.string(), 'quick_gelu'),
  layer_norm_eps: v.optional(fraction, 1e-5),
  eos_token_id: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 49_407),
};

type Fields = Omit<CLIPTextConfig, 'act' | 'projection_dim'> & { projection_dim: number | null; hidden_act: string };

/**
 * Checks a `config.json` of `CLIPTextModel` or `CLIPTextModelWithProjection`.
 *
 * @throws {SecateurError} BAD_CONFIG naming the field that is of a wrong type or out of range
 */
export function parseCLIPTextConfig(json: unknown, className = 'CLIPTextModel'): CLIPTextConfig {
  const {
    hidden_act: act,
    projection_dim: projection,
    ...rest
  } = parseTransformersConfig<Fields>(className, fields, json);
  const { hidden_size: width, num_attention_heads: heads } = rest;
  if (width % heads !== 0) failConfig('num_attention_heads', `is ${heads}, which does not divide hidden_size ${width}`);
  if (projection === null && className === 'CLIPTextModelWithProjection') {
    failConfig('projection_dim', 'must be a number');
  }
  return { ...rest, projection_dim: projection ?? 0, act: activationNamed(act, 'hidden_act') };
}
