import { getInts, toNumbers } from '@secateur/graph';
import type { NodeContext } from './op-lowering.js';

/** Integers that newer operator sets give as a constant input and older ones as an attribute; `undefined` when unknown. */
export function knownInts(context: NodeContext, input: number, attribute?: string): readonly number[] | undefined {
  if (context.has(input)) {
    const value = context.constant(input)?.value;
    return value && toNumbers(value);
  }
  return attribute === undefined ? undefined : getInts(context.node, attribute);
}
