import type { Removal } from '@secateur/graph';
import { SecateurError } from '@secateur/graph';
import type { Budget, Cost } from '../budget.js';
import { type Cells, keptInCell } from '../norm-rules.js';
import type { SelectContext } from '../selector.js';

/** The `count` lowest-scored units of `units`, ties broken by index, ascending by index. */
export function lowest(scores: Float32Array, units: readonly number[], count: number): number[] {
  return [...units]
    .sort((a, b) => scores[a] - scores[b] || a - b)
    .slice(0, count)
    .sort((a, b) => a - b);
}

/** Units of every cell, ascending. */
export function unitsByCell(cells: Cells): number[][] {
  const units: number[][] = cells.sizes.map(() => []);
  cells.cellOf.forEach((cell, unit) => units[cell].push(unit));
  return units;
}

/**
 * Removes the lowest-scored units of a group at one ratio, cell by cell, as the norm-group rule, `roundTo` and `maxRatio`
 * allow.
 */
export function cutGroupAt(context: Omit<SelectContext<object>, 'options'>, cells: Cells, ratio: number): number[] {
  const scores = context.scores.get(cells.group.id)!;
  const wanted = Math.min(ratio, context.maxRatio);
  return unitsByCell(cells).flatMap((units, cell) => {
    const kept = roundKept(keptInCell(context.rule, cells, cell, wanted), cells, cell, context.roundTo);
    return lowest(scores, units, units.length - kept);
  });
}

/** Kept units of a cell, raised until the group's kept total is a multiple of `roundTo` (or the cell is whole). */
export function roundKept(kept: number, cells: Cells, cell: number, roundTo: number): number {
  if (roundTo <= 1) return kept;
  const count = cells.sizes.length;
  let rounded = kept;
  // Cells are of one size except under `preserve`, where the step is kept whole instead.
  const step = cells.sizes[cell] / cells.steps;
  while (rounded < cells.sizes[cell] && (rounded * count) % roundTo !== 0) rounded += cells.normed ? step : 1;
  return Math.min(rounded, cells.sizes[cell]);
}

/**
 * Finds the smallest level whose removal meets the budget, by bisection on [0, 1).
 * @throws {SecateurError} CANNOT_PRUNE when even the largest cut does not meet it
 */
export async function meetBudget(
  context: Omit<SelectContext<object>, 'options'>,
  cutAt: (level: number) => Removal,
): Promise<Removal> {
  const { budget } = context;
  if (budget.kind === 'ratio') return cutAt(budget.ratio);
  const target = budget.remaining;
  if (target === 1) return new Map();
  const full = await remainingAfter(context, budget, new Map());
  const share = async (level: number) => (await remainingAfter(context, budget, cutAt(level))) / full;
  let low = 0;
  let high = 1 - 2 ** -20;
  const least = await share(high);
  if (least > target) {
    throw new SecateurError('CANNOT_PRUNE', `The largest possible cut leaves ${budget.kind}=${least.toFixed(3)}; ${target} was asked for.`, {
      field: 'budget',
      hint: 'Raise the budget, or allow more groups to be cut.',
    });
  }
  // Latency is noisy and slow to measure: a coarser search is as exact as the clock.
  const rounds = budget.kind === 'latency' ? 7 : 24;
  for (let round = 0; round < rounds; round++) {
    const middle = (low + high) / 2;
    if ((await share(middle)) <= target) high = middle;
    else low = middle;
  }
  return cutAt(high);
}

async function remainingAfter(
  context: Omit<SelectContext<object>, 'options'>,
  budget: Exclude<Budget, { kind: 'ratio' }>,
  removal: Removal,
): Promise<number> {
  if (budget.kind === 'latency') {
    if (!context.latency) {
      throw new SecateurError('MISSING_NEED', 'A latency budget needs an engine to measure on.', {
        field: 'budget',
        hint: 'Pass `engine` to prune().',
      });
    }
    return context.latency(removal);
  }
  const cost = context.cost(removal);
  const value: Record<typeof budget.kind, keyof Cost> = { macs: 'macs', params: 'parameters', bytes: 'bytes' };
  return cost[value[budget.kind]];
}
