import { int, ints } from '@secateur/graph';
import { free, type ModuleBuilder } from '../module-builder.js';
import { type Rows, tokenLinear } from './linear.js';

/** Module names of the four projections of an attention. */
export interface AttentionNames {
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly out: string;
}

export interface AttendOptions {
  names: AttentionNames;
  /** Heads by the configuration. */
  heads: number;
  /** Width of one head by the configuration. */
  headDim: number;
  /** Whether query, key and value have a bias. */
  bias: boolean;
  /** What keys and values are made from, `[batch, tokens, width]`. Default: `x`. */
  context?: Rows;
  /** Whether the output projection has a bias. Default true. */
  outBias?: boolean;
  /** By the configuration. Default: `headDim ** -0.5`. */
  scale?: number;
  /** Added to the scores, `[…, heads or 1, queries, keys]`: a mask, a bias by position. */
  added?: string;
}

/** As diffusers names the projections since 2023. */
export const attentionNames: AttentionNames = { query: 'to_q', key: 'to_k', value: 'to_v', out: 'to_out.0' };

/** Node names end in these, so that what a pruned graph has can be found again. */
export const headsNode = 'split_heads';
export const scaleNode = 'scale';

/** Rows dealt to heads, `[batch, tokens, heads, dim]`. */
export interface Heads {
  readonly value: string;
  readonly heads: number;
  /** Width of one head. */
  readonly dim: number;
}

/**
 * Multi-head attention of the current module, output projection included.
 *
 * Widths are the checkpoint's: query and key share one, value and output another; each must be a multiple of the heads.
 * The scale stays that of the configuration, so that a model without some channels of its heads computes
 * what the masked model does.
 *
 * @param x  `[batch, tokens, width]`
 * @returns as `x`
 */
export function attend(m: ModuleBuilder, x: Rows, options: AttendOptions): Rows {
  const { names, headDim, bias, context = x } = options;
  const inner = free(options.heads * headDim);
  const query = tokenLinear(m, names.query, x, inner, bias);
  const key = tokenLinear(m, names.key, context, query.width, bias);
  const value = tokenLinear(m, names.value, context, inner, bias);
  const mixed = mixHeads(
    m,
    splitHeads(m, query, options.heads, names.query),
    splitHeads(m, key, options.heads, names.key),
    splitHeads(m, value, options.heads, names.value),
    headDim,
    options,
  );
  return tokenLinear(m, names.out, mixed, x.width, options.outBias);
}

/**
 * `[batch, tokens, heads * dim]` to `[batch, tokens, heads, dim]`.
 *
 * @param heads  by the configuration
 * @param projection  name of the layer that made the rows
 */
export function splitHeads(m: ModuleBuilder, x: Rows, heads: number, projection: string): Heads {
  heads = m.overrides.heads?.[m.path] ?? heads;
  if (x.width % heads !== 0) {
    m.problem(`${m.path}.${projection} has ${x.width} channels, which ${heads} heads do not divide`);
  }
  const dim = Math.floor(x.width / heads);
  const shape = m.graph.ints([0, 0, heads, dim]);
  const value = m.graph.op('Reshape', [x.value, shape], {}, { name: `${m.path}/${projection}/${headsNode}` });
  return { value, heads, dim };
}

/**
 * Attention of every query to every key of its head: `softmax(scale * q k^T) v`, heads side by side again.
 *
 * @param headDim  width of one head of queries by the configuration, of which the scale is made
 */
export function mixHeads(
  m: ModuleBuilder,
  query: Heads,
  key: Heads,
  value: Heads,
  headDim: number,
  options: Pick<AttendOptions, 'scale' | 'added'> = {},
): Rows {
  const { graph } = m;
  const { added } = options;
  const scale = graph.scalar(m.overrides.scale?.[m.path] ?? options.scale ?? headDim ** -0.5);
  const scaled = graph.op('Mul', [query.value, scale], {}, { name: `${m.path}/${scaleNode}` });
  const turned = (x: string, perm: readonly number[]): string => graph.op('Transpose', [x], { perm: ints(perm) });
  const scores = graph.op('MatMul', [turned(scaled, [0, 2, 1, 3]), turned(key.value, [0, 2, 3, 1])]);
  const shifted = added ? graph.op('Add', [scores, added]) : scores;
  const weights = graph.op('Softmax', [shifted], { axis: int(-1) });
  const mixed = turned(graph.op('MatMul', [weights, turned(value.value, [0, 2, 1, 3])]), [0, 2, 1, 3]);
  const width = value.heads * value.dim;
  return { value: graph.op('Reshape', [mixed, graph.ints([0, 0, width])]), width };
}
