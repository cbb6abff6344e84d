import { int, ints } from '@secateur/graph';
import { free, type ModuleBuilder } from '../module-builder.js';
import { uniformInit } from '../tensor-spec.js';
import type { Rows } from './linear.js';

/** A picture cut into square patches, one token each, row by row. */
export interface Patches extends Rows {
  /** int64 `[2]`: rows and columns of patches. */
  readonly grid: string;
}

/**
 * A convolution that reads every patch once, and tokens of what it makes. What is left of a picture that patches do not
 * divide is not read.
 *
 * @param sample  `[batch, channels, height, width]`
 * @param width  of a token, by the configuration
 */
export function toPatches(m: ModuleBuilder, sample: string, channels: number, patch: number, width: number): Patches {
  const { graph } = m;
  return m.at('proj', () => {
    const init = uniformInit(channels * patch * patch);
    const weight = m.parameter('weight', [free(width), channels, patch, patch], init);
    const bias = m.parameter('bias', [weight.shape[0]!], init);
    const made = graph.op('Conv', [sample, weight.name, bias.name], {
      kernel_shape: ints([patch, patch]),
      strides: ints([patch, patch]),
    });
    const grid = graph.op('Shape', [made], { start: int(2), end: int(4) });
    const flat = graph.op('Reshape', [made, graph.ints([0, 0, -1])]);
    return { value: graph.op('Transpose', [flat], { perm: ints([0, 2, 1]) }), width: weight.shape[0]!, grid };
  });
}

/**
 * The way back: `[batch, rows * columns, patch * patch * channels]`, channels running fastest, to
 * `[batch, channels, rows * patch, columns * patch]`.
 *
 * @param grid  int64 `[2]`: rows and columns
 */
export function fromPatches(m: ModuleBuilder, tokens: Rows, grid: string, patch: number, channels: number): string {
  const { graph } = m;
  const target = graph.op('Concat', [graph.ints([0]), grid, graph.ints([patch, patch, channels])], { axis: int(0) });
  const apart = graph.op('Reshape', [tokens.value, target]);
  const turned = graph.op('Transpose', [apart], { perm: ints([0, 5, 1, 3, 2, 4]) });
  const size = graph.op('Mul', [grid, graph.ints([patch, patch])]);
  return graph.op('Reshape', [turned, graph.op('Concat', [graph.ints([0, channels]), size], { axis: int(0) })]);
}
