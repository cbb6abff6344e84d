import { leastCommonMultiple, type WidthTies } from '@secateur/core';
import type { Coupling, Group } from '@secateur/graph';

export interface HeadWidths {
  /** By the configuration. */
  readonly heads: number;
  readonly headDim: number;
  /** The stream's width stays a multiple of this. */
  readonly roundTo: number;
}

/**
 * What the configuration of a transformer can say about widths where heads times their width is every width of it: all
 * shrink by whole heads together, and the width of a head stays.
 */
export function headTies({ groups }: Coupling, { heads, headDim, roundTo }: HeadWidths): WidthTies {
  const steps = (heads * headDim) / leastCommonMultiple(headDim, roundTo);
  const fixed = new Map<string, string>();
  const tied: Group[] = [];
  for (const group of groups) {
    if (group.kind === 'head-dim') fixed.set(group.id, 'the configuration lets heads go, and keeps their width');
    else tied.push(group);
  }
  if (Number.isInteger(steps) && tied.every(({ size }) => size % steps === 0)) {
    return { ties: [{ name: 'width', steps, groups: tied.map(({ id }) => ({ id, cells: 1 })) }], fixed };
  }
  for (const { id } of tied) fixed.set(id, 'the widths cannot shrink by whole heads together');
  return { ties: [], fixed };
}
