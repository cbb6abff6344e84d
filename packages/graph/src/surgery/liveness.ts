import type { Factor, FactoredAxis } from '../coupling/axis.js';
import type { Coupling, Group } from '../coupling/groups.js';
import { isSymbolic } from '../dim.js';
import { SecateurError } from '../errors.js';
import type { Removal } from './removal.js';

const untouched: ReadonlyMap<number, readonly number[]> = new Map();

/** Which indices of which axes survive a removal. */
export class Liveness {
  private readonly dead = new Set<number>();
  private readonly byValue = new Map<string, ReadonlyMap<number, readonly number[]>>();
  /** Operators hand axes on as they are: most values share theirs with others. */
  private readonly byAxis = new Map<FactoredAxis, readonly number[] | undefined>();
  /** By slot: 1 alive, 2 dead, 0 not looked at yet. */
  private readonly states: Uint8Array;

  constructor(
    private readonly coupling: Coupling,
    removal: Removal,
  ) {
    this.states = new Uint8Array(coupling.flow.table.size);
    for (const [id, units] of removal) {
      if (units.length === 0) continue;
      const atoms = coupling.atoms.get(id);
      const group = coupling.groups.find((candidate) => candidate.id === id);
      if (!atoms || !group)
        throw new SecateurError('BAD_OPTION', `There is no group "${id}" that may be cut.`, { field: id });
      for (const unit of checkUnits(group, units)) this.dead.add(atoms[unit]);
    }
  }

  /** Surviving indices of a value's axes; axes that lose nothing are left out. */
  keptOfValue(value: string | undefined): ReadonlyMap<number, readonly number[]> {
    if (!value || this.dead.size === 0) return untouched;
    const known = this.byValue.get(value);
    if (known) return known;
    const kept = new Map<number, readonly number[]>();
    for (const [axis, factored] of (this.coupling.flow.axes.get(value) ?? []).entries()) {
      const indices = this.keptOfAxis(factored);
      if (indices) kept.set(axis, indices);
    }
    const result = kept.size === 0 ? untouched : kept;
    this.byValue.set(value, result);
    return result;
  }

  isTouched(value: string): boolean {
    return this.keptOfValue(value).size > 0;
  }

  private keptOfAxis(axis: FactoredAxis): readonly number[] | undefined {
    if (this.byAxis.has(axis)) return this.byAxis.get(axis);
    const kept = axis.factors.some((factor) => factor.slots?.some((slot) => !this.isAlive(slot)))
      ? this.survivors(axis.factors)
      : undefined;
    this.byAxis.set(axis, kept);
    return kept;
  }

  /** Indices whose every factor is alive; `undefined` where a factor is symbolic and indices cannot be listed. */
  private survivors(factors: readonly Factor[]): readonly number[] | undefined {
    let kept = [0];
    for (const { size, slots } of factors) {
      if (isSymbolic(size)) return undefined;
      const next: number[] = [];
      for (const outer of kept) {
        for (let i = 0; i < size; i++) if (!slots || this.isAlive(slots[i])) next.push(outer * size + i);
      }
      kept = next;
    }
    return kept;
  }

  private isAlive(slot: number): boolean {
    const known = this.states[slot];
    if (known !== 0) return known === 1;
    const isAlive = this.coupling.flow.table.atomsOf(slot).every((atom) => !this.dead.has(atom));
    this.states[slot] = isAlive ? 1 : 2;
    return isAlive;
  }
}

/**
 * The distinct units of a group that are to go.
 * @throws {SecateurError} BAD_OPTION for one that does not exist; CANNOT_PRUNE when none would stay
 */
export function checkUnits(group: Group, units: readonly number[]): Set<number> {
  const distinct = new Set(units);
  for (const unit of distinct) {
    if (!Number.isInteger(unit) || unit < 0 || unit >= group.size) {
      throw new SecateurError('BAD_OPTION', `Unit ${unit} of group "${group.id}" is outside 0…${group.size - 1}.`, {
        field: group.id,
      });
    }
  }
  if (distinct.size < group.size) return distinct;
  throw new SecateurError('CANNOT_PRUNE', `Removing all ${group.size} units of "${group.id}" would empty the layer.`, {
    field: group.id,
    hint: 'Lower the ratio, or keep at least one unit.',
  });
}
