import { type AttentionNames, attend, attentionNames } from '../layers/attention.js';
import { add, divide } from '../layers/combine.js';
import { groupNorm } from '../layers/group-norm.js';
import { toPixels, toTokens } from '../layers/tokens.js';
import type { Feature, ModuleBuilder } from '../module-builder.js';

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

/** Module names of the four projections in checkpoints of before 2023. */
const oldNames: AttentionNames = { query: 'query', key: 'key', value: 'value', out: 'proj_attn' };

/** A tensor's name as checkpoints since 2023 have it. */
export function newAttentionNames(name: string): string {
  return name.replace(
    /(\battentions\.\d+\.)(query|key|value|proj_attn)\./,
    (_, path: string, old: string) => `${path}${attentionNames[old === 'proj_attn' ? 'out' : (old as 'query')]}.`,
  );
}

/** Self-attention over pixels with a residual connection. */
export function attentionBlock(m: ModuleBuilder, path: string, x: Feature, options: AttentionBlockOptions): Feature {
  const { channels, headDim, groups, epsilon } = options;
  return m.at(path, () => {
    if (m.isRemoved()) return divide(m, x, options.outputScale ?? 1);
    const names = m.has(`${oldNames.query}.weight`) ? oldNames : attentionNames;
    const heads = Math.floor(channels / headDim);
    if (heads < 1) m.problem(`${m.path} has ${channels} channels, fewer than one head's ${headDim}`);
    const normed = groups === null ? x : groupNorm(m, 'group_norm', x, { groups, epsilon });
    const out = attend(m, toTokens(m, normed), { names, heads, headDim, bias: true });
    return divide(m, add(m, toPixels(m, out, x), x), options.outputScale ?? 1);
  });
}
