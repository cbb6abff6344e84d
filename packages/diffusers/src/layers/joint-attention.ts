import { int } from '@secateur/graph';
import { free, type ModuleBuilder } from '../module-builder.js';
import { attentionNames, type Heads, mixHeads, splitHeads } from './attention.js';
import { type HeadNorm, headNorm } from './head-norm.js';
import { type Rows, tokenLinear } from './linear.js';

export interface JointAttentionOptions {
  /** Heads by the configuration. */
  heads: number;
  /** Width of one head by the configuration. */
  headDim: number;
  /** Default: none. */
  norm?: HeadNorm | null;
  /** Turns normed queries and keys by their positions, text first. Default: not. */
  rotate?: (x: Heads) => Heads;
}

/** Queries, keys and values of one stream. */
interface Projected {
  readonly query: Heads;
  readonly key: Heads;
  readonly value: Heads;
}

interface Names {
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly normQuery: string;
  readonly normKey: string;
}

const imageNames: Names = { ...attentionNames, normQuery: 'norm_q', normKey: 'norm_k' };
const textNames: Names = {
  query: 'add_q_proj',
  key: 'add_k_proj',
  value: 'add_v_proj',
  normQuery: 'norm_added_q',
  normKey: 'norm_added_k',
};

const epsilon = 1e-6;

/**
 * Attention of the current module over the tokens of both streams together; each has its own projections in and out. A
 * head is one of both.
 *
 * @param x  the picture, `[batch, patches, width]`
 * @param text  `[batch, tokens, text width]`
 * @param hasTextOut  whether the text is led back by `to_add_out`, which may have been removed
 * @returns what to add to each; `text` is left out where it has no way back
 */
export function jointAttention(
  m: ModuleBuilder,
  x: Rows,
  text: Rows,
  hasTextOut: boolean,
  options: JointAttentionOptions,
): { x: Rows; text?: Rows } {
  const own = project(m, x, imageNames, options);
  const added = project(m, text, textNames, options, own);
  const [textPart, imagePart] = splitTokens(m, mix(m, joined(m, added, own), options), text, x);
  const out = tokenLinear(m, attentionNames.out, imagePart, x.width);
  if (!hasTextOut || m.at('to_add_out', () => m.isRemoved())) return { x: out };
  return { x: out, text: tokenLinear(m, 'to_add_out', textPart, text.width) };
}

/** Attention of one stream to itself, without a projection out. */
export function selfAttention(m: ModuleBuilder, x: Rows, options: JointAttentionOptions): Rows {
  return mix(m, project(m, x, imageNames, options), options);
}

/** Tokens of `a`, then those of `b`, which must be as wide. */
export function joinTokens(m: ModuleBuilder, a: Rows, b: Rows): Rows {
  if (a.width !== b.width) m.problem(`${m.path || 'the model'} joins tokens of ${a.width} and ${b.width} channels`);
  return { ...a, value: m.graph.op('Concat', [a.value, b.value], { axis: int(1) }) };
}

/** The way back: as many tokens as `a` has, and as many as `b` has. */
export function splitTokens(m: ModuleBuilder, x: Rows, a: Rows, b: Rows): [Rows, Rows] {
  const { graph } = m;
  const tokens = (rows: Rows): string => graph.op('Shape', [rows.value], { start: int(1), end: int(2) });
  const sizes = graph.op('Concat', [tokens(a), tokens(b)], { axis: int(0) });
  const [first, second] = graph.multi('Split', [x.value, sizes], { axis: int(1) }, { outputs: 2 }) as [string, string];
  return [
    { ...x, value: first },
    { ...x, value: second },
  ];
}

/** @param like  the other stream, whose heads are as wide */
function project(m: ModuleBuilder, x: Rows, names: Names, options: JointAttentionOptions, like?: Projected): Projected {
  const { heads, headDim, norm } = options;
  const inner = free(heads * headDim);
  const widthOf = (side: Heads | undefined) => (side ? side.heads * side.dim : inner);
  const query = tokenLinear(m, names.query, x, widthOf(like?.query));
  const key = tokenLinear(m, names.key, x, query.width);
  const value = tokenLinear(m, names.value, x, widthOf(like?.value));
  const normed = (path: string, side: Heads): Heads => (norm ? headNorm(m, path, side, norm, epsilon) : side);
  return {
    query: normed(names.normQuery, splitHeads(m, query, heads, names.query)),
    key: normed(names.normKey, splitHeads(m, key, heads, names.key)),
    value: splitHeads(m, value, heads, names.value),
  };
}

function joined({ graph }: ModuleBuilder, a: Projected, b: Projected): Projected {
  const join = (part: keyof Projected): Heads => ({
    ...a[part],
    value: graph.op('Concat', [a[part].value, b[part].value], { axis: int(1) }),
  });
  return { query: join('query'), key: join('key'), value: join('value') };
}

function mix(m: ModuleBuilder, { query, key, value }: Projected, options: JointAttentionOptions): Rows {
  const { rotate = (x) => x, headDim } = options;
  return mixHeads(m, rotate(query), rotate(key), value, headDim);
}
