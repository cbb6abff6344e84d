import { type Coupling, type Group, SecateurError } from '@secateur/graph';
import type { CellPlan, Cells } from './norm-rules.js';

/**
 * Widths that a configuration ties together: what `--expressible` respects so that stock loaders can load the result.
 * Groups that no tie names are left whole.
 */
export interface WidthTies {
  readonly ties: readonly WidthTie[];
  /** Groups the configuration has no field for, with the reason. */
  readonly fixed: ReadonlyMap<string, string>;
}

/** Groups that keep the same share, in equal steps. */
export interface WidthTie {
  /** For messages, e.g. `stage 1`. */
  readonly name: string;
  /** Number of equal steps: every group keeps the same number of them. */
  readonly steps: number;
  /** `cells`: into how many consecutive parts the group's units fall that each keep the share (its norm groups). */
  readonly groups: readonly { readonly id: string; readonly cells: number }[];
}

/** The plan by which selectors cut tied groups alike. */
export function planTies(coupling: Coupling, { ties, fixed }: WidthTies): CellPlan {
  const byId = new Map(coupling.groups.map((group) => [group.id, group]));
  const cells = new Map<string, Cells>();
  ties.forEach((tie, component) => {
    for (const { id, cells: count } of tie.groups) cells.set(id, cellsOf(byId.get(id)!, count, tie, component));
  });
  const leftWhole = new Map<string, string>();
  for (const group of coupling.groups) {
    if (!cells.has(group.id))
      leftWhole.set(group.id, fixed.get(group.id) ?? 'the configuration has no field for its width');
  }
  return { cells, leftWhole };
}

function cellsOf(group: Group, count: number, tie: WidthTie, component: number): Cells {
  const size = group.size / count;
  if (!Number.isInteger(size / tie.steps)) {
    throw new SecateurError(
      'CANNOT_PRUNE',
      `${tie.name}: ${group.id} has cells of ${size} units, which ${tie.steps} steps do not divide.`,
      {
        field: group.id,
      },
    );
  }
  return {
    group,
    cellOf: Int32Array.from({ length: group.size }, (_, unit) => Math.floor(unit / size)),
    sizes: new Array<number>(count).fill(size),
    component,
    steps: tie.steps,
    normed: count > 1,
    tied: true,
  };
}
