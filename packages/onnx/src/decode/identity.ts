import { parseJson } from '@secateur/core';
import type { ParameterIdentity } from '@secateur/graph';

/**
 * Reads the JSON of a {@link ParameterIdentity} of a constant of `shape`; `undefined` when it is malformed or does not
 * describe a permutation of the checkpoint's axes with axes of size 1 put in.
 */
export function readIdentity(json: string, shape: readonly number[], file: string): ParameterIdentity | undefined {
  const value = parseJson(json, { file, maxDepth: 4 });
  if (!isRecord(value)) return undefined;
  const { name, shape: stored, axes, buffer } = value;
  if (typeof name !== 'string' || !isCounts(stored) || !Array.isArray(axes) || axes.length !== shape.length) {
    return undefined;
  }
  const seen = new Set<number>();
  for (const [i, axis] of axes.entries()) {
    if (axis === null ? shape[i] !== 1 : !Number.isInteger(axis) || stored[axis] !== shape[i] || seen.has(axis)) {
      return undefined;
    }
    if (axis !== null) seen.add(axis);
  }
  if (seen.size !== stored.length) return undefined;
  return { name, shape: stored, axes, ...(buffer === true ? { buffer } : {}) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
