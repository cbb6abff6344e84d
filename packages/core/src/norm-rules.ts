import { type Coupling, type Group, type Removal, SecateurError } from '@secateur/graph';

/**
 * How a cut respects GroupNorm. `C` is the number of units of a group, `G` the number of norm groups over them.
 *
 * - `paper`: per norm group `floor((C - int(C*(1-ratio))) / G)` channels go; `G` stays; after a concatenation the norm
 *   groups are re-formed over the shorter tensor (Diff-Pruning, arXiv 2305.10924, released code).
 * - `torch-pruning`: per norm group `int(C/G * (1-ratio))` channels stay; re-formed likewise (Torch-Pruning 1.6).
 * - `preserve`: every surviving channel keeps its norm-group companions and every norm group the same number of channels.
 */
export type NormGroupRule = 'paper' | 'torch-pruning' | 'preserve';

export const normGroupRules: readonly NormGroupRule[] = ['paper', 'torch-pruning', 'preserve'];

/** A group's units in cells that must each keep the same share. */
export interface Cells {
  readonly group: Group;
  /** Cell of every unit. `[size]` */
  readonly cellOf: Int32Array;
  /** Number of units of every cell. */
  readonly sizes: readonly number[];
  /** Groups whose cells must keep the same share as this one's, this one included, have the same number. */
  readonly component: number;
  /** How many equal steps a cell can be cut in: with `preserve` the greatest common divisor of the component's cells. */
  readonly steps: number;
  /** Whether a norm governs the group. */
  readonly normed: boolean;
  /** Whether the share moves in whole steps whatever the rule, because a configuration ties widths together. */
  readonly tied?: boolean;
}

export interface CellPlan {
  readonly cells: ReadonlyMap<string, Cells>;
  /** Groups that a rule leaves whole, with the reason. */
  readonly leftWhole: ReadonlyMap<string, string>;
}

/** What rules look at: groups, and the norms over them. */
type Planned = Pick<Coupling, 'groups' | 'norms'>;

/** Divides the units of every group into the cells that the rule demands. */
export function planCells(coupling: Planned, rule: NormGroupRule): CellPlan {
  return rule === 'preserve' ? planPreserving(coupling) : planReforming(coupling);
}

/**
 * Number of units that stay in a cell.
 * @param ratio fraction to remove, in [0, 1)
 */
export function keptInCell(rule: NormGroupRule, cells: Cells, cell: number, ratio: number): number {
  const size = cells.sizes[cell];
  const total = cells.group.size;
  if (cells.tied) return keptInSteps(cells, size, ratio);
  if (!cells.normed) return Math.max(1, Math.trunc(total * (1 - ratio)));
  if (rule === 'torch-pruning') return Math.max(1, Math.trunc(size * (1 - ratio)));
  if (rule === 'paper') {
    const toPrune = total - Math.trunc(total * (1 - ratio));
    return Math.max(1, size - Math.floor(toPrune / cells.sizes.length));
  }
  return keptInSteps(cells, size, ratio);
}

/** The component's share in whole steps; the removed part is rounded down, as the other rules do. */
function keptInSteps(cells: Cells, size: number, ratio: number): number {
  const removedSteps = Math.min(cells.steps - 1, Math.floor(cells.steps * ratio + 1e-9));
  return (size / cells.steps) * (cells.steps - removedSteps);
}

/** Re-forming rules: each group by itself, in as many cells as the norms over it have groups. */
function planReforming(coupling: Planned): CellPlan {
  const normGroups = new Map<string, number>();
  for (const norm of coupling.norms) {
    for (const id of groupsOf(norm.channels)) {
      normGroups.set(id, leastCommonMultiple(normGroups.get(id) ?? 1, norm.groups));
    }
  }
  const cells = new Map<string, Cells>();
  const leftWhole = new Map<string, string>();
  coupling.groups.forEach((group, component) => {
    const count = normGroups.get(group.id) ?? 1;
    if (group.size % count !== 0) {
      leftWhole.set(group.id, `its ${group.size} channels do not divide into the ${count} norm groups over them`);
      return;
    }
    const size = group.size / count;
    cells.set(group.id, {
      group,
      cellOf: Int32Array.from({ length: group.size }, (_, unit) => Math.floor(unit / size)),
      sizes: new Array<number>(count).fill(size),
      component,
      steps: size,
      normed: normGroups.has(group.id),
    });
  });
  return { cells, leftWhole };
}

/**
 * Preserving rule. Units that share every norm group they lie in form a cell. Norm groups keep equal counts when all cells
 * of all groups that meet in a norm keep the same share, which must come out whole in every cell: the share moves in steps
 * of one over the greatest common divisor of the cells' sizes. (Other solutions of the count equations may exist; this
 * family is the one in which no cell is treated worse than another.)
 */
function planPreserving(coupling: Planned): CellPlan {
  const signatures = normGroupsOfUnits(coupling);
  const cells = new Map<string, Cells>();
  const leftWhole = new Map<string, string>();
  groupsThatMeet(coupling).forEach((groups, component) => {
    const parts = groups.map((group) => cellsBySignature(group, signatures.get(group.id)!));
    const steps = parts.flatMap((part) => part.sizes).reduce(greatestCommonDivisor);
    const normed = signatures.get(groups[0].id)!.some((signature) => signature !== '');
    const reason = normed ? reasonAgainst(coupling, groups, steps) : undefined;
    groups.forEach((group, i) => {
      if (reason) leftWhole.set(group.id, reason);
      else cells.set(group.id, { group, ...parts[i], component, steps, normed });
    });
  });
  return { cells, leftWhole };
}

/** For every unit the norm groups it lies in, as text: `2:0;` is the first norm group of the third norm. */
function normGroupsOfUnits(coupling: Planned): Map<string, string[]> {
  const signatures = new Map(coupling.groups.map(({ id, size }) => [id, new Array<string>(size).fill('')]));
  coupling.norms.forEach((norm, n) => {
    const size = norm.channels.length / norm.groups;
    norm.channels.forEach((channel, i) => {
      if (channel) signatures.get(channel.group)![channel.unit] += `${n}:${Math.floor(i / size)};`;
    });
  });
  return signatures;
}

/** Groups in sets that are closed under meeting in a norm. */
function groupsThatMeet(coupling: Planned): Group[][] {
  const parent = new Map(coupling.groups.map(({ id }) => [id, id]));
  const find = (id: string): string => {
    let root = id;
    while (parent.get(root) !== root) root = parent.get(root)!;
    return root;
  };
  for (const { channels } of coupling.norms) {
    const ids = [...groupsOf(channels)];
    for (const id of ids) parent.set(find(id), find(ids[0]));
  }
  const sets = new Map<string, Group[]>();
  for (const group of coupling.groups) {
    const root = find(group.id);
    const set = sets.get(root);
    if (set) set.push(group);
    else sets.set(root, [group]);
  }
  return [...sets.values()];
}

function reasonAgainst(coupling: Planned, groups: readonly Group[], steps: number): string | undefined {
  const ids = new Set(groups.map(({ id }) => id));
  const fixed = coupling.norms.some(
    ({ channels }) => channels.includes(null) && channels.some((channel) => channel && ids.has(channel.group)),
  );
  if (fixed) return 'a norm group also holds channels that cannot be cut, so counts cannot stay equal';
  if (steps > 1) return undefined;
  return 'norm groups of the layers it is concatenated with straddle it so that no equal cut comes out whole';
}

/**
 * Leaves out the groups that cannot be cut because one that must keep the same share (`preserve`, tied widths) is left whole, and notes
 * why in `leftWhole`.
 */
export function dropBrokenComponents(
  plan: CellPlan,
  groups: readonly Group[],
  leftWhole: Map<string, string>,
): Group[] {
  const whole = new Map<number, string>();
  for (const [id, { component }] of plan.cells) if (leftWhole.has(id)) whole.set(component, id);
  return groups.filter(({ id }) => {
    const cause = whole.get(plan.cells.get(id)!.component);
    if (cause !== undefined) leftWhole.set(id, `it must keep the same share as "${cause}", which is left whole`);
    return cause === undefined;
  });
}

/**
 * Checks what a selector chose: every GroupNorm keeps a multiple of its number of norm groups, and with `preserve` as many
 * channels in every norm group.
 * @param rule `undefined` when a configuration decides instead of a rule
 * @throws {SecateurError} CANNOT_PRUNE naming the norm and the selector
 */
export function checkNorms(
  coupling: Coupling,
  removal: Removal,
  rule: NormGroupRule | undefined,
  selector: string,
): void {
  const removed = new Map([...removal].map(([id, units]) => [id, new Set(units)]));
  for (const { norm, groups, channels } of coupling.norms) {
    const counts = new Array<number>(groups).fill(0);
    channels.forEach((channel, i) => {
      if (!channel || !removed.get(channel.group)?.has(channel.unit))
        counts[Math.floor((i * groups) / channels.length)]++;
    });
    const kept = counts.reduce((sum, count) => sum + count, 0);
    const uneven = rule === 'preserve' && counts.some((count) => count !== counts[0]);
    if (kept > 0 && kept % groups === 0 && !uneven) continue;
    throw new SecateurError(
      'CANNOT_PRUNE',
      uneven
        ? `${norm} would keep between ${Math.min(...counts)} and ${Math.max(...counts)} channels in its norm groups.`
        : `${norm} would keep ${kept} channels, which ${groups} norm groups cannot share.`,
      { field: norm, plugin: selector, hint: 'A selector must remove as many channels from every norm group.' },
    );
  }
}

function cellsBySignature(group: Group, signatures: readonly string[]): { cellOf: Int32Array; sizes: number[] } {
  const numbers = new Map<string, number>();
  const sizes: number[] = [];
  const cellOf = Int32Array.from({ length: group.size }, (_, unit) => {
    let cell = numbers.get(signatures[unit]);
    if (cell === undefined) {
      cell = sizes.push(0) - 1;
      numbers.set(signatures[unit], cell);
    }
    sizes[cell]++;
    return cell;
  });
  return { cellOf, sizes };
}

function groupsOf(channels: readonly ({ readonly group: string } | null)[]): Set<string> {
  return new Set(channels.flatMap((channel) => (channel ? [channel.group] : [])));
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

export function leastCommonMultiple(a: number, b: number): number {
  return (a / greatestCommonDivisor(a, b)) * b;
}

/** @throws {SecateurError} BAD_OPTION for a rule that does not exist */
export function parseNormGroupRule(text: string): NormGroupRule {
  const rule = normGroupRules.find((candidate) => candidate === text);
  if (rule) return rule;
  throw new SecateurError('BAD_OPTION', `There is no norm-group rule "${text}".`, {
    field: 'normGroups',
    hint: `Choose one of ${normGroupRules.join(', ')}.`,
  });
}
