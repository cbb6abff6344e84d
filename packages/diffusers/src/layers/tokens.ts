import { ints } from '@secateur/graph';
import type { Feature, ModuleBuilder } from '../module-builder.js';
import type { Rows } from './linear.js';

/** `[batch, channels, height, width]` to one token a pixel, `[batch, height * width, channels]`. */
export function toTokens(m: ModuleBuilder, x: Feature): Rows {
  const flat = m.graph.op('Reshape', [x.value, m.graph.ints([0, 0, -1])]);
  return { value: m.graph.op('Transpose', [flat], { perm: ints([0, 2, 1]) }), width: x.channels };
}

/** The way back, to the size of `like`, which must have as many channels. */
export function toPixels(m: ModuleBuilder, x: Rows, like: Feature): Feature {
  const back = m.graph.op('Transpose', [x.value], { perm: ints([0, 2, 1]) });
  return { ...like, value: m.graph.op('Reshape', [back, m.graph.op('Shape', [like.value])]) };
}
