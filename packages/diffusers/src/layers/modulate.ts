import { int } from '@secateur/graph';
import type { Feature, ModuleBuilder } from '../module-builder.js';
import type { Rows } from './linear.js';

/** `[batch, width]` to `[batch, width, 1, 1]`, to be broadcast over height and width. */
export function overPixels(m: ModuleBuilder, x: Rows): string {
  return m.graph.op('Unsqueeze', [x.value, m.graph.ints([2, 3])]);
}

/** `x * (1 + scale) + shift` with `[batch, 2 * channels]` holding scale, then shift. */
export function modulate(m: ModuleBuilder, x: Feature, scaleAndShift: Rows): Feature {
  const { graph } = m;
  const [scale, shift] = graph.multi(
    'Split',
    [overPixels(m, scaleAndShift), graph.ints([x.channels, x.channels])],
    { axis: int(1) },
    { outputs: 2 },
  ) as [string, string];
  const scaled = graph.op('Mul', [x.value, graph.op('Add', [scale, graph.scalar(1)])]);
  return { ...x, value: graph.op('Add', [scaled, shift]) };
}
