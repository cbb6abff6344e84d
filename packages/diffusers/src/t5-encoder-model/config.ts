import * as v from 'valibot';
import { channels, count, fraction } from '../config-fields.js';
import type { Activation } from '../layers/activation.js';
import { failConfig } from '../parse-config.js';
import { activationNamed, parseTransformersConfig } from '../transformers-config.js';

/** What of a T5's `config.json` its encoder depends on; transformers' defaults filled in. */
export interface T5Config {
  vocab_size: number;
  d_model: number;
  /** Width of one head; heads together may be wider or narrower than `d_model`. */
  d_kv: number;
  d_ff: number;
  num_layers: number;
  num_heads: number;
  relative_attention_num_buckets: number;
  relative_attention_max_distance: number;
  layer_norm_epsilon: number;
  /** Activation of the feed-forward, and whether it has gates. */
  act: Activation;
  gated: boolean;
}

const fields = {
  vocab_size: v.optional(count(2 ** 24), 32_128),
  d_model: v.optional(channels, 512),
  d_kv: v.optional(channels, 64),
  d_ff: v.optional(channels, 2048),
  num_layers: v.optional(count(512), 6),
  num_heads: v.optional(channels, 8),
  relative_attention_num_buckets: v.optional(count(65_536), 32),
  relative_attention_max_distance: v.optional(count(65_536), 128),
  layer_norm_epsilon: v.optional(fraction, 1e-6),
  feed_forward_proj: v.optional(v.string(), 'relu'),
  dense_act_fn: v.optional(v.string()),
  is_gated_act: v.optional(v.boolean()),
};

type Fields = Omit<T5Config, 'act' | 'gated'> & {
  feed_forward_proj: string;
  dense_act_fn?: string;
  is_gated_act?: boolean;
};

/**
 * Checks a `config.json` of the class.
 *
 * @throws {SecateurError} BAD_CONFIG naming the field that is of a wrong type or out of range
 */
export function parseT5Config(json: unknown): T5Config {
  const {
    feed_forward_proj: projection,
    dense_act_fn,
    is_gated_act,
    ...rest
  } = parseTransformersConfig<Fields>('T5EncoderModel', fields, json);
  const { relative_attention_num_buckets: buckets, relative_attention_max_distance: distance } = rest;
  if (buckets < 4) failConfig('relative_attention_num_buckets', `is ${buckets}, must be at least 4`);
  if (distance <= Math.floor(buckets / 4)) {
    failConfig('relative_attention_max_distance', `is ${distance}, must be above ${Math.floor(buckets / 4)}`);
  }
  const parts = projection.split('-');
  if (parts.length > 2 || (parts.length === 2 && parts[0] !== 'gated')) {
    failConfig('feed_forward_proj', `is ${JSON.stringify(projection)}, must be an activation, or gated-<activation>`);
  }
  const named = projection === 'gated-gelu' ? 'gelu_new' : parts.at(-1)!;
  const field = dense_act_fn === undefined ? 'feed_forward_proj' : 'dense_act_fn';
  return { ...rest, act: activationNamed(dense_act_fn ?? named, field), gated: is_gated_act ?? parts.length === 2 };
}
