import { int, ints } from '@secateur/graph';
import { add, divide } from '../layers/combine.js';
import { groupNorm } from '../layers/group-norm.js';
import { type Rows, tokenLinear } from '../layers/linear.js';
import { type Feature, free, type ModuleBuilder } from '../module-builder.js';

export interface AttentionBlockOptions {
  /** Channels by the configuration. */
  channels: number;
  /** Channels of one head by the configuration. */
  headDim: number;
  /** Norm groups; `null` for no norm. */
  groups: number | null;
  epsilon: number;
  /** Default 1. */
  outputScale?: number;
}

/** Module names of the four projections, as checkpoints of before and after 2023 have them. */
const oldNames = { query: 'query', key: 'key', value: 'value', out: 'proj_attn' };
const newNames = { query: 'to_q', key: 'to_k', value: 'to_v', out: 'to_out.0' };

/** A tensor's name as checkpoints since 2023 have it. */
export function newAttentionNames(name: string): string {
  return name.replace(
    /(\battentions\.\d+\.)(query|key|value|proj_attn)\./,
    (_, path: string, old: string) => `${path}${old === 'proj_attn' ? newNames.out : newNames[old as 'query']}.`,
  );
}

/**
 * Self-attention over pixels with a residual connection.
 *
 * Widths are the checkpoint's: query and key share one, value and output another; each must be a multiple of the heads.
 * The scale stays `headDim ** -0.5` of the configuration, so that a model without some channels of its heads computes
 * what the masked model does.
 */
export function attentionBlock(m: ModuleBuilder, path: string, x: Feature, options: AttentionBlockOptions): Feature {
  const { graph } = m;
  return m.at(path, () => {
    if (m.isRemoved()) return x;
    const names = m.has(`${oldNames.query}.weight`) ? oldNames : newNames;
    const normed = options.groups === null ? x : groupNorm(m, 'group_norm', x, { ...options, groups: options.groups });
    const flat = graph.op('Reshape', [normed.value, graph.ints([0, 0, -1])]);
    const tokens = { value: graph.op('Transpose', [flat], { perm: ints([0, 2, 1]) }), width: x.channels };
    const mixed = attend(m, tokens, names, options);
    const out = tokenLinear(m, names.out, mixed, x.channels);
    const back = graph.op('Transpose', [out.value], { perm: ints([0, 2, 1]) });
    const image = graph.op('Reshape', [back, graph.op('Shape', [x.value])]);
    return divide(m, add(m, { ...x, value: image }, x), options.outputScale ?? 1);
  });
}

/** Node names end in these, so that what a pruned graph has can be found again. */
export const headsNode = 'split_heads';
export const scaleNode = 'scale';

function attend(m: ModuleBuilder, x: Rows, names: typeof newNames, options: AttentionBlockOptions): Rows {
  const { graph } = m;
  const configuredHeads = Math.floor(options.channels / options.headDim);
  if (configuredHeads < 1)
    m.problem(`${m.path} has ${options.channels} channels, fewer than one head's ${options.headDim}`);
  const heads = m.overrides.heads?.[m.path] ?? configuredHeads;
  const inner = free(configuredHeads * options.headDim);
  const query = tokenLinear(m, names.query, x, inner);
  const key = tokenLinear(m, names.key, x, query.width);
  const value = tokenLinear(m, names.value, x, inner);

  const scale = graph.scalar(m.overrides.scale?.[m.path] ?? options.headDim ** -0.5);
  const scaled = { ...query, value: graph.op('Mul', [query.value, scale], {}, { name: `${m.path}/${scaleNode}` }) };
  const scores = graph.op('MatMul', [
    splitHeads(m, scaled, heads, [0, 2, 1, 3], names.query),
    splitHeads(m, key, heads, [0, 2, 3, 1], names.key),
  ]);
  const weights = graph.op('Softmax', [scores], { axis: int(-1) });
  const mixed = graph.op('MatMul', [weights, splitHeads(m, value, heads, [0, 2, 1, 3], names.value)]);
  const together = graph.op('Transpose', [mixed], { perm: ints([0, 2, 1, 3]) });
  return { ...value, value: graph.op('Reshape', [together, graph.ints([0, 0, value.width])]) };
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
