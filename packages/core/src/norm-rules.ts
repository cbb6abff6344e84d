import { type Coupling, type Group, SecateurError } from '@secateur/graph';

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
}

export interface CellPlan {
  readonly cells: ReadonlyMap<string, Cells>;
  /** Groups that a rule leaves whole, with the reason. */
  readonly leftWhole: ReadonlyMap<string, string>;
}

/** Divides the units of every group into the cells that the rule demands. */
export function planCells(coupling: Coupling, rule: NormGroupRule): CellPlan {
  return rule === 'preserve' ? planPreserving(coupling) : planReforming(coupling);
}

/**
 * Number of units that stay in a cell.
 * @param ratio fraction to remove, in [0, 1)
 */
export function keptInCell(rule: NormGroupRule, cells: Cells, cell: number, ratio: number): number {
  const size = cells.sizes[cell];
  const total = cells.group.size;
  if (!cells.normed) return Math.max(1, Math.trunc(total * (1 - ratio)));
  if (rule === 'torch-pruning') return Math.max(1, Math.trunc(size * (1 - ratio)));
  if (rule === 'paper') {
    const toPrune = total - Math.trunc(total * (1 - ratio));
    return Math.max(1, size - Math.floor(toPrune / cells.sizes.length));
  }
  // The component's share in whole steps; the removed part is rounded down, as the other rules do.
  const removedSteps = Math.min(cells.steps - 1, Math.floor(cells.steps * ratio + 1e-9));
  return (size / cells.steps) * (cells.steps - removedSteps);
}

/** Re-forming rules: each group by itself, in as many cells as the norms over it have groups. */
function planReforming(coupling: Coupling): CellPlan {
  const normGroups = new Map<string, number>();
  for (const norm of coupling.norms) {
    for (const id of groupsOf(norm.channels)) normGroups.set(id, leastCommonMultiple(normGroups.get(id) ?? 1, norm.groups));
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
function planPreserving(coupling: Coupling): CellPlan {
  const signature = new Map<string, string[]>();
  const parent = new Map<string, string>();
  const find = (id: string): string => {
    let root = id;
    while (parent.get(root) !== root) root = parent.get(root)!;
    return root;
  };
  for (const group of coupling.groups) {
    signature.set(group.id, new Array<string>(group.size).fill(''));
    parent.set(group.id, group.id);
  }
  const fixed = new Set<string>();
  coupling.norms.forEach((norm, n) => {
    const size = norm.channels.length / norm.groups;
    norm.channels.forEach((channel, i) => {
      if (channel) signature.get(channel.group)![channel.unit] += `${n}:${Math.floor(i / size)};`;
    });
    const ids = [...groupsOf(norm.channels)];
    for (const id of ids) parent.set(find(id), find(ids[0]));
    if (norm.channels.includes(null)) for (const id of ids) fixed.add(id);
  });
  const components = new Map<string, Group[]>();
  for (const group of coupling.groups) {
    const root = find(group.id);
    components.set(root, [...(components.get(root) ?? []), group]);
  }
  const cells = new Map<string, Cells>();
  const leftWhole = new Map<string, string>();
  let component = 0;
  for (const groups of components.values()) {
    const parts = groups.map((group) => cellsBySignature(group, signature.get(group.id)!));
    const steps = parts.flatMap((part) => part.sizes).reduce(greatestCommonDivisor);
    const normed = signature.get(groups[0].id)!.some((text) => text !== '');
    const reason = !normed
      ? undefined
      : groups.some((group) => fixed.has(group.id))
        ? 'a norm group also holds channels that cannot be cut, so counts cannot stay equal'
        : steps === 1
          ? 'norm groups of the layers it is concatenated with straddle it so that no equal cut comes out whole'
          : undefined;
    groups.forEach((group, i) => {
      if (reason) leftWhole.set(group.id, reason);
      else cells.set(group.id, { group, ...parts[i], component, steps, normed });
    });
    component++;
  }
  return { cells, leftWhole };
}

function cellsBySignature(group: Group, signatures: readonly string[]): { cellOf: Int32Array; sizes: number[] } {
  const numbers = new Map<string, number>();
  const sizes: number[] = [];
  const cellOf = Int32Array.from({ length: group.size }, (_, unit) => {
    let cell = numbers.get(signatures[unit]);
    if (cell === undefined) numbers.set(signatures[unit], (cell = sizes.push(0) - 1));
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
