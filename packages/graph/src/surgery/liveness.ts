import { type FactoredAxis, hasSlots } from '../coupling/axis.js';
import type { Coupling } from '../coupling/groups.js';
import { SecateurError } from '../errors.js';
import type { Removal } from './remove-units.js';

const untouched: ReadonlyMap<number, readonly number[]> = new Map();

/** Which indices of which axes survive a removal. */
export class Liveness {
  private readonly dead = new Set<number>();
  private readonly byValue = new Map<string, ReadonlyMap<number, readonly number[]>>();

  constructor(
    private readonly coupling: Coupling,
    removal: Removal,
  ) {
    for (const [id, units] of removal) {
      if (units.length === 0) continue;
      const atoms = coupling.atoms.get(id);
      const group = coupling.groups.find((candidate) => candidate.id === id);
      if (!atoms || !group) throw new SecateurError('BAD_OPTION', `There is no group "${id}" that may be cut.`, { field: id });
      const distinct = new Set(units);
      for (const unit of distinct) {
        if (!Number.isInteger(unit) || unit < 0 || unit >= group.size) {
          throw new SecateurError('BAD_OPTION', `Unit ${unit} of group "${id}" is outside 0…${group.size - 1}.`, { field: id });
        }
        this.dead.add(atoms[unit]);
      }
      if (distinct.size === group.size) {
        throw new SecateurError('CANNOT_PRUNE', `Removing all ${group.size} units of "${id}" would empty the layer.`, {
          field: id,
          hint: 'Lower the ratio, or keep at least one unit.',
        });
      }
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
    if (!hasSlots(axis)) return undefined;
    const alive = axis.factors.map((factor) =>
      factor.slots ? Array.from(factor.slots, (slot) => this.isAlive(slot)) : new Array<boolean>(Number(factor.size) || 1).fill(true),
    );
    if (alive.every((row) => row.every(Boolean))) return undefined;
    if (axis.factors.some((factor) => typeof factor.size !== 'number')) return undefined;
    let combined = [true];
    for (const row of alive) combined = combined.flatMap((outer) => row.map((inner) => outer && inner));
    return combined.flatMap((isAlive, index) => (isAlive ? [index] : []));
  }

  private isAlive(slot: number): boolean {
    return this.coupling.flow.table.atomsOf(slot).every((atom) => !this.dead.has(atom));
  }
}
