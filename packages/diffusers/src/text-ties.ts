import type { WidthTie, WidthTies } from '@secateur/core';
import type { Coupling, Group } from '@secateur/graph';

/**
 * Ties of a model whose configuration gives each kind of width one number for all layers.
 *
 * @param roundTo  widths stay multiples of this; heads are counted, not rounded
 * @param fieldOf  name of the width that a group belongs to, for messages; `undefined` when the configuration has none
 */
export function textTies(
  coupling: Coupling,
  roundTo: number,
  fieldOf: (group: Group) => string | undefined,
): WidthTies {
  const fixed = new Map<string, string>();
  const fields = new Map<string, Group[]>();
  for (const group of coupling.groups) {
    const field = fieldOf(group);
    if (field === undefined) fixed.set(group.id, 'the configuration has no field for its width');
    else fields.set(field, [...(fields.get(field) ?? []), group]);
  }
  const ties: WidthTie[] = [];
  for (const [name, groups] of fields) {
    const [{ size, kind }] = groups as [Group, ...Group[]];
    const quantum = kind === 'head' ? 1 : roundTo;
    if (size % quantum === 0 && groups.every((group) => group.size === size)) {
      ties.push({ name, steps: size / quantum, groups: groups.map(({ id }) => ({ id, cells: 1 })) });
      continue;
    }
    for (const { id } of groups) fixed.set(id, `${name} differ between layers, or are no multiple of ${roundTo}`);
  }
  return { ties, fixed };
}
