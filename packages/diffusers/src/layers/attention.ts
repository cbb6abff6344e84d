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
}

/** As diffusers names the projections since 2023. */
export const attentionNames: AttentionNames = { query: 'to_q', key: 'to_k', value: 'to_v', out: 'to_out.0' };

/** Node names end in these, so that what a pruned graph has can be found again. */
export const headsNode = 'split_heads';
export const scaleNode = 'scale';

/**
 * Multi-head attention of the current module, output projection included.
 *
 * Widths are the checkpoint's: query and key share one, value and output another; each must be a multiple of the heads.
 * The scale stays `headDim ** -0.5` of the configuration, so that a model without some channels of its heads computes
 * what the masked model does.
 *
 * @param x  `[batch, tokens, width]`
 * @returns as `x`
 */
export function attend(m: ModuleBuilder, x: Rows, options: AttendOptions): Rows {
  const { graph } = m;
  const { names, headDim, bias, context = x } = options;
  const heads = m.overrides.heads?.[m.path] ?? options.heads;
  const inner = free(options.heads * headDim);
  const query = tokenLinear(m, names.query, x, inner, bias);
  const key = tokenLinear(m, names.key, context, query.width, bias);
  const value = tokenLinear(m, names.value, context, inner, bias);

  const scale = graph.scalar(m.overrides.scale?.[m.path] ?? headDim ** -0.5);
  const scaled = { ...query, value: graph.op('Mul', [query.value, scale], {}, { name: `${m.path}/${scaleNode}` }) };
  const scores = graph.op('MatMul', [
    splitHeads(m, scaled, heads, [0, 2, 1, 3], names.query),
    splitHeads(m, key, heads, [0, 2, 3, 1], names.key),
  ]);
  const weights = graph.op('Softmax', [scores], { axis: int(-1) });
  const mixed = graph.op('MatMul', [weights, splitHeads(m, value, heads, [0, 2, 1, 3], names.value)]);
  const together = graph.op('Transpose', [mixed], { perm: ints([0, 2, 1, 3]) });
  const merged = { ...value, value: graph.op('Reshape', [together, graph.ints([0, 0, value.width])]) };
  return tokenLinear(m, names.out, merged, x.width);
}

/** `[batch, tokens, heads * dim]` to `[batch, tokens, heads, dim]`, then permuted. */
function splitHeads(m: ModuleBuilder, x: Rows, heads: number, perm: readonly number[], projection: string): string {
  if (x.width % heads !== 0) {
    m.problem(`${m.path}.${projection} has ${x.width} channels, which ${heads} heads do not divide`);
  }
  const shape = m.graph.ints([0, 0, heads, Math.floor(x.width / heads)]);
  const split = m.graph.op('Reshape', [x.value, shape], {}, { name: `${m.path}/${projection}/${headsNode}` });
  return m.graph.op('Transpose', [split], { perm: ints(perm) });
}
