import type { Group, Removal } from '@secateur/graph';
import { SecateurError } from '@secateur/graph';
import type { Budget, Cost } from '../budget.js';
import { type Cells, keptInCell } from '../norm-rules.js';
import type { SelectContext } from '../selector.js';

type Context = Omit<SelectContext<object>, 'options'>;

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
  for (const [unit, cell] of cells.cellOf.entries()) units[cell].push(unit);
  return units;
}

/**
 * Removes the lowest-scored units of every group, cell by cell, as the norm-group rule, `roundTo` and `maxRatio` allow.
 * Groups that must keep the same share (`preserve`) lose the smallest ratio asked for any of them.
 *
 * @param ratioOf fraction of the group's units to remove, in [0, 1); `context.ratios` comes first
 */
export function cutGroups(context: Context, ratioOf: (group: Group) => number): Removal {
  const components = new Map<number, { readonly members: Cells[]; ratio: number }>();
  for (const group of context.groups) {
    const cells = context.plan.cells.get(group.id)!;
    const wanted = Math.min(context.ratios[group.id] ?? ratioOf(group), context.maxRatio);
    const component = components.get(cells.component);
    if (!component) components.set(cells.component, { members: [cells], ratio: wanted });
    else {
      component.members.push(cells);
      component.ratio = Math.min(component.ratio, wanted);
    }
  }
  const removal = new Map<string, readonly number[]>(context.groups.map(({ id }) => [id, []]));
  for (const { members, ratio } of components.values()) {
    const spare = stepsToSpare(context, members, ratio);
    for (const cells of members) removal.set(cells.group.id, cutCells(context, cells, ratio, spare));
  }
  return removal;
}

function cutCells(context: Context, cells: Cells, ratio: number, spare: number): number[] {
  const scores = context.scores.get(cells.group.id)!;
  return unitsByCell(cells).flatMap((units, cell) =>
    lowest(scores, units, units.length - keptWith(context, cells, cell, ratio, spare)),
  );
}

/** Steps that every cell keeps besides what the ratio leaves, so that all kept widths are multiples of `roundTo` or whole. */
function stepsToSpare(context: Context, members: readonly Cells[], ratio: number): number {
  const fits = (cells: Cells, spare: number): boolean => {
    const kept = cells.sizes.reduce((sum, _, cell) => sum + keptWith(context, cells, cell, ratio, spare), 0);
    return kept % context.roundTo === 0 || kept === cells.group.size;
  };
  let spare = 0;
  while (!members.every((cells) => fits(cells, spare))) spare++;
  return spare;
}

/** Units that stay in a cell: by the rule, at least what `maxRatio` leaves, and `spare` steps more. */
function keptWith(context: Context, cells: Cells, cell: number, ratio: number, spare: number): number {
  const size = cells.sizes[cell];
  const step = size / cells.steps;
  // 1e-9: a share such as 0.29 of 100 steps comes out a hair below 29.
  const least = size - Math.floor(cells.steps * context.maxRatio + 1e-9) * step;
  return Math.min(size, Math.max(keptInCell(context.rule, cells, cell, ratio), least) + spare * step);
}

/**
 * Finds the smallest level whose removal meets the budget, by bisection on [0, 1). Levels are fractions of units, and a
 * larger one never removes less.
 * @throws {SecateurError} CANNOT_PRUNE when even the largest cut does not meet it
 * @throws {SecateurError} MISSING_NEED for a latency budget without an engine
 */
export async function meetBudget(context: Context, cutAt: (level: number) => Removal): Promise<Removal> {
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
    throw new SecateurError(
      'CANNOT_PRUNE',
      `The largest possible cut leaves ${budget.kind}=${least.toFixed(3)}; ${target} was asked for.`,
      { field: 'budget', hint: 'Raise the budget, or allow more groups to be cut.' },
    );
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

const measures: Record<'macs' | 'params' | 'bytes', keyof Cost> = {
  macs: 'macs',
  params: 'parameters',
  bytes: 'bytes',
};

async function remainingAfter(
  context: Context,
  budget: Exclude<Budget, { kind: 'ratio' }>,
  removal: Removal,
): Promise<number> {
  if (budget.kind !== 'latency') return context.cost(removal)[measures[budget.kind]];
  if (context.latency) return context.latency(removal);
  throw new SecateurError('MISSING_NEED', 'A latency budget needs an engine to measure on.', {
    field: 'budget',
    hint: 'Pass `engine` to prune().',
  });
}
