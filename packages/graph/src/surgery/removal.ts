import type { Coupling } from '../coupling/groups.js';
import type { Modulation } from '../coupling/modulation.js';
import type { DepthUnit } from '../depth/depth-units.js';
import { SecateurError } from '../errors.js';
import { checkUnits } from './liveness.js';

/** Units to remove: indices by group id. A depth unit is a group of one: its index is 0. */
export type Removal = ReadonlyMap<string, readonly number[]>;

/** A removal by the ways in which its units are removed. */
export interface RemovalParts {
  /** Units of {@link Coupling.groups}. */
  readonly slots: Removal;
  /** Outputs that become zeros. */
  readonly modulations: ReadonlyMap<Modulation, ReadonlySet<number>>;
  readonly depth: readonly DepthUnit[];
}

/** @throws {SecateurError} BAD_OPTION for an id or unit that does not exist; CANNOT_PRUNE when a group would be emptied */
export function partsOf(coupling: Coupling, removal: Removal): RemovalParts {
  const slots = new Map<string, readonly number[]>();
  const modulations = new Map<Modulation, ReadonlySet<number>>();
  const depth: DepthUnit[] = [];
  for (const [id, units] of removal) {
    if (units.length === 0) continue;
    if (coupling.atoms.has(id)) {
      slots.set(id, units);
      continue;
    }
    const modulation = coupling.modulations.find((group) => group.id === id);
    if (modulation) {
      modulations.set(modulation, checkUnits(modulation, units));
      continue;
    }
    const unit = coupling.depth.find((candidate) => candidate.id === id);
    if (!unit) {
      throw new SecateurError('BAD_OPTION', `There is no group, layer or block "${id}" that may be cut.`, {
        field: id,
        hint: '`secateur inspect MODEL` lists what there is.',
      });
    }
    if (units.some((index) => index !== 0)) {
      throw new SecateurError('BAD_OPTION', `"${id}" is one unit, of index 0; ${units} is given.`, { field: id });
    }
    depth.push(unit);
  }
  return { slots, modulations, depth };
}
