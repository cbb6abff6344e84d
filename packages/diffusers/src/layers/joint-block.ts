import type { ModuleBuilder } from '../module-builder.js';
import { adaLayerNorm, addGated, modulateTokens, modulations } from './ada-layer-norm.js';
import type { Heads } from './attention.js';
import { feedForward } from './feed-forward.js';
import type { HeadNorm } from './head-norm.js';
import { jointAttention, selfAttention } from './joint-attention.js';
import { plainLayerNorm } from './layer-norm.js';
import { type Rows, tokenLinear } from './linear.js';

/** Neurons of the feed-forward for every channel. */
const expansion = 4;
const epsilon = 1e-6;

export interface JointBlockOptions {
  /** Heads by the configuration. */
  heads: number;
  headDim: number;
  norm: HeadNorm | null;
  /** Whether the picture has a second attention, to itself. */
  dual?: boolean;
  /** Whether the text is read and led no further. */
  contextPreOnly?: boolean;
  /** Rotary embedding of the attention's module. Default: none. */
  rotary?: () => (x: Heads) => Heads;
}

/** Both streams: the picture's patches and the prompt's tokens. */
export interface Streams {
  readonly x: Rows;
  readonly text: Rows;
}

/**
 * JointTransformerBlock, of the current module: attention over both streams together, then a feed-forward of each, all of
 * normed and modulated streams and added through gates. What may be removed: `attn`, `attn2`, `ff`, `ff_context`, and a
 * norm that serves none that is left.
 *
 * @param embedding  of timestep and pooled text, `[batch, width]`
 */
export function jointBlock(
  m: ModuleBuilder,
  { x, text }: Streams,
  embedding: Rows,
  options: JointBlockOptions,
): Streams {
  const { heads, headDim, norm, dual = false, contextPreOnly = false, rotary } = options;
  const gone = (path: string): boolean => m.at(path, () => m.isRemoved());
  const has = {
    attn: !gone('attn'),
    attn2: dual && !gone('attn2'),
    ff: !gone('ff'),
    textFf: !contextPreOnly && !gone('ff_context'),
  };
  const own = servesAny(m, 'norm1', has.attn || has.attn2 || has.ff)
    ? normedStream(m, 'norm1', x, embedding, dual ? 9 : 6)
    : undefined;
  const added = servesAny(m, 'norm1_context', has.attn || has.textFf)
    ? normedText(m, text, embedding, contextPreOnly)
    : undefined;
  if (has.attn) {
    const rotate = rotary && m.at('attn', rotary);
    const mixed = m.at('attn', () =>
      jointAttention(m, own!.normed(0), added!.normed, !contextPreOnly, { heads, headDim, norm, rotate }),
    );
    x = addGated(m, x, own!.parts[2]!, mixed.x);
    if (mixed.text) text = addGated(m, text, added!.parts[2]!, mixed.text);
  }
  if (has.attn2) {
    const second = own!.normed(6);
    const mixed = m.at('attn2', () =>
      tokenLinear(m, 'to_out.0', selfAttention(m, second, { heads, headDim, norm }), x.width),
    );
    x = addGated(m, x, own!.parts[8]!, mixed);
  }
  const neurons = expansion * heads * headDim;
  if (has.ff) x = addFeedForward(m, 'ff', 'norm2', x, own!.parts, neurons);
  if (has.textFf) text = addFeedForward(m, 'ff_context', 'norm2_context', text, added!.parts, neurons);
  return { x, text };
}

/** Whether a norm is there: one that serves nothing that is left may have gone as well. */
function servesAny(m: ModuleBuilder, norm: string, serves: boolean): boolean {
  return serves || m.at(norm, () => m.has('linear.weight'));
}

interface Normed {
  /** Modulations, `[batch, 1, width]` each: shift, scale and gate of the attention, then of the feed-forward, … */
  readonly parts: readonly string[];
  /** The normed stream with shift `i` and scale `i + 1`. */
  normed(i: number): Rows;
}

/** AdaLayerNormZero, and with nine parts SD35AdaLayerNormZeroX. */
function normedStream(m: ModuleBuilder, path: string, x: Rows, embedding: Rows, count: number): Normed {
  return m.at(path, () => {
    const parts = modulations(m, 'linear', embedding, count, x.width);
    const plain = plainLayerNorm(m, 'norm', x, epsilon);
    return { parts, normed: (i) => modulateTokens(m, plain, parts[i + 1]!, parts[i]!) };
  });
}

/** The text for the attention; where it goes no further, there is nothing else to modulate. */
function normedText(
  m: ModuleBuilder,
  text: Rows,
  embedding: Rows,
  contextPreOnly: boolean,
): { parts: readonly string[]; normed: Rows } {
  if (contextPreOnly) return { parts: [], normed: m.at('norm1_context', () => adaLayerNorm(m, text, embedding)) };
  const { parts, normed } = normedStream(m, 'norm1_context', text, embedding, 6);
  return { parts, normed: normed(0) };
}

function addFeedForward(
  m: ModuleBuilder,
  path: string,
  norm: string,
  x: Rows,
  parts: readonly string[],
  neurons: number,
): Rows {
  const normed = modulateTokens(m, plainLayerNorm(m, norm, x, epsilon), parts[4]!, parts[3]!);
  return addGated(m, x, parts[5]!, feedForward(m, path, normed, neurons, 'gelu-approximate'));
}
