import { int } from '@secateur/graph';
import type { ModuleBuilder } from '../module-builder.js';
import { activation } from './activation.js';
import { plainLayerNorm } from './layer-norm.js';
import { linear, type Rows } from './linear.js';

/**
 * What an adaptive norm makes of the embedding of timestep and conditions: `count` modulations of the stream, from one
 * linear over the activated embedding. Channel `c` of the stream is rows `c`, `c + width`, … of the linear.
 *
 * @param embedding  `[batch, embedding width]`
 * @param path  of the linear
 * @param width  of the stream that is modulated
 * @returns as many values, each `[batch, 1, width]`
 */
export function modulations(
  m: ModuleBuilder,
  path: string,
  embedding: Rows,
  count: number,
  width: number,
): readonly string[] {
  const all = linear(m, path, activation(m, 'silu', 'silu', embedding), count * width);
  return modulationParts(m, m.graph.op('Unsqueeze', [all.value, m.graph.ints([1])]), count, width);
}

/** AdaLayerNormContinuous of the current module: the norm without weights, scaled and shifted, in this order. */
export function adaLayerNorm(m: ModuleBuilder, x: Rows, embedding: Rows): Rows {
  const [scale, shift] = modulations(m, 'linear', embedding, 2, x.width) as [string, string];
  return modulateTokens(m, plainLayerNorm(m, 'norm', x, 1e-6), scale, shift);
}

/** `[batch, 1, count * width]` in `count` parts. */
export function modulationParts(m: ModuleBuilder, all: string, count: number, width: number): readonly string[] {
  const sizes = m.graph.ints(new Array<number>(count).fill(width));
  return m.graph.multi('Split', [all, sizes], { axis: int(2) }, { outputs: count });
}

/** `x * (1 + scale) + shift`, for tokens. */
export function modulateTokens(m: ModuleBuilder, x: Rows, scale: string, shift: string): Rows {
  const { graph } = m;
  const scaled = graph.op('Mul', [x.value, graph.op('Add', [scale, graph.scalar(1)])]);
  return { ...x, value: graph.op('Add', [scaled, shift]) };
}

/** `x + gate * branch` */
export function addGated(m: ModuleBuilder, x: Rows, gate: string, branch: Rows): Rows {
  const { graph } = m;
  return { ...x, value: graph.op('Add', [x.value, graph.op('Mul', [gate, branch.value])]) };
}
