import { int } from '@secateur/graph';
import type { Feature, ModuleBuilder } from '../module-builder.js';

/** `a + b`, which must have the same channels and size. */
export function add(m: ModuleBuilder, a: Feature, b: Feature): Feature {
  if (a.channels !== b.channels) {
    m.problem(`${m.path || 'the output'} adds ${a.channels} channels to ${b.channels}`);
  }
  sameSize(m, a, b);
  return { ...a, value: m.graph.op('Add', [a.value, b.value]) };
}

/** Channels of `a`, then those of `b`. */
export function concat(m: ModuleBuilder, a: Feature, b: Feature): Feature {
  sameSize(m, a, b);
  const value = m.graph.op('Concat', [a.value, b.value], { axis: int(1) });
  return { ...a, value, channels: a.channels + b.channels };
}

/** `x / factor`; nothing when the factor is 1. */
export function divide(m: ModuleBuilder, x: Feature, factor: number): Feature {
  return factor === 1 ? x : { ...x, value: m.graph.op('Div', [x.value, m.graph.scalar(factor)]) };
}

function sameSize(m: ModuleBuilder, a: Feature, b: Feature): void {
  if (a.level !== b.level)
    m.problem(`${m.path || 'the output'} joins features of 1/${2 ** a.level} and 1/${2 ** b.level} of the size`);
}
