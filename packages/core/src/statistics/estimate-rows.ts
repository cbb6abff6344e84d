import { evaluateDim, type ValueType } from '@secateur/graph';
import type { Model } from '../model.js';

/** What the activations of one run may take, and how many values of the largest kind live at once, both about. */
const ENOUGH_BYTES = 2 ** 29;
const LIVE = 4;

/** More rows than this make a run no faster by the row. */
const MOST_ROWS = 16;

/** Samples of the model's usual size that go through one run without taking much memory, in [1, 16]. */
export function estimateRows({ sizes }: Pick<Model, 'sizes'>, types: ReadonlyMap<string, ValueType>): number {
  const symbols = { ...sizes, batch: 1 };
  let largest = 1;
  for (const { shape } of types.values()) {
    let size = 1;
    for (const dim of shape) size *= typeof dim === 'number' ? dim : sizeAt(dim, symbols);
    largest = Math.max(largest, size);
  }
  return Math.max(1, Math.min(MOST_ROWS, Math.floor(ENOUGH_BYTES / (4 * LIVE * largest))));
}

/** A size that depends on values, or on a symbol without a usual size, counts as one. */
function sizeAt(dim: ValueType['shape'][number], symbols: Readonly<Record<string, number>>): number {
  try {
    return evaluateDim(dim, symbols);
  } catch {
    return 1;
  }
}
