import type { Coupling, Group, Removal } from '@secateur/graph';
import { expect } from 'vitest';
import { checkpointName } from './checkpoints.js';
import type { Exported } from './exported.js';

/** Which units of two graphs of one checkpoint are the same. */
export interface Matches {
  /** Groups of ours of which one unit is several of theirs. */
  readonly coarser: readonly string[];
  /** Groups of theirs with units that no unit of ours is. */
  readonly missing: readonly string[];
  /** A removal of ours as one of theirs. */
  translate(removal: Removal): Removal;
}

interface Match {
  readonly group: Group;
  readonly unit: number;
}

/**
 * Finds their units that every unit of ours is, by the tensors, axes and indices that it takes of the checkpoint. A unit of
 * ours that takes anything but whole units of theirs fails the test.
 */
export function matchUnits(exported: Exported, ours: Coupling, theirs: Coupling): Matches {
  const named = new Map(Object.keys(exported.shapes).map((name) => [name, checkpointName(exported, name)]));
  const stored = new Map([...named.values()].map((name) => [name, name]));
  const unitAt = new Map<string, Match>();
  for (const match of theirs.groups.flatMap(unitsOf)) {
    for (const place of placesOf(match, stored)) {
      expect([place, unitAt.get(place)]).toEqual([place, undefined]);
      unitAt.set(place, match);
    }
  }
  const matches = new Map<string, Match[][]>();
  for (const group of ours.groups) {
    const units = unitsOf(group).map((unit) => {
      const places = placesOf(unit, named);
      const found = [...new Set(places.flatMap((place) => unitAt.get(place) ?? []))];
      const taken = found.flatMap((match) => placesOf(match, stored));
      expect([group.id, taken.sort()]).toEqual([group.id, places.sort()]);
      return found;
    });
    matches.set(group.id, units);
  }
  const reached = new Set([...matches.values()].flat(2));
  const missed = new Set([...unitAt.values()].filter((match) => !reached.has(match)).map(({ group }) => group.id));
  return {
    coarser: [...matches].filter(([, units]) => units.some((unit) => unit.length > 1)).map(([id]) => id),
    missing: [...missed],
    translate: (removal) => {
      const translated = new Map<string, number[]>();
      for (const [id, units] of removal) {
        for (const { group, unit } of units.flatMap((unit) => matches.get(id)![unit]!)) {
          translated.set(group.id, [...(translated.get(group.id) ?? []), unit]);
        }
      }
      return translated;
    },
  };
}

function unitsOf(group: Group): Match[] {
  return Array.from({ length: group.size }, (_, unit) => ({ group, unit }));
}

/**
 * Everything that a unit takes of the checkpoint. Heads are kept apart, since a head and the inner dimensions of all heads
 * cross. `names` has the tensors that count, by their names in the graph.
 */
function placesOf({ group, unit }: Match, names: ReadonlyMap<string, string>): string[] {
  const kind = group.kind === 'head' ? 'head ' : '';
  return group.slices.flatMap(({ tensor, axis, perUnit, indices }) => {
    const name = names.get(tensor);
    if (name === undefined) return [];
    const own = [...indices.subarray(unit * perUnit, (unit + 1) * perUnit)];
    return own.map((index) => `${kind}${name}:${axis}:${index}`);
  });
}
