import type { Coupling, Group, NormGroups, UnitKind } from '@secateur/graph';
import type { NormGroupRule, SelectContext } from '../../src/index.js';
import { planCells } from '../../src/index.js';

/** A group without a graph: enough for rules and selectors. */
export function fakeGroup(id: string, size: number, kind: UnitKind = 'channel', perUnit = 1): Group {
  const indices = Int32Array.from({ length: size * perUnit }, (_, i) => i);
  const slice = { tensor: id, value: id, axis: 0, valueAxis: 0, role: 'producer' as const, perUnit, indices };
  return { id, kind, size, slices: [slice] };
}

/** Sources of a norm's channels in order: all units of a group, or a number of channels that cannot be cut. */
export function fakeNorm(norm: string, groups: number, sources: readonly (Group | number)[]): NormGroups {
  const channels = sources.flatMap((source): NormGroups['channels'] =>
    typeof source === 'number'
      ? new Array<null>(source).fill(null)
      : Array.from({ length: source.size }, (_, unit) => ({ group: source.id, unit })),
  );
  return { norm, groups, channels };
}

export function fakeCoupling(groups: readonly Group[], norms: readonly NormGroups[] = []): Coupling {
  return { groups, norms, notPruned: [], parameters: 0, covered: 0 } as unknown as Coupling;
}

/** What a selector is given; every unit costs one parameter, one MAC and four bytes. */
export function fakeContext(
  coupling: Coupling,
  scores: Readonly<Record<string, readonly number[]>>,
  overrides: Partial<Omit<SelectContext<object>, 'options'>> = {},
  rule: NormGroupRule = 'paper',
): Omit<SelectContext<object>, 'options'> {
  const total = coupling.groups.reduce((sum, { size }) => sum + size, 0);
  const costAt = (units: number) => ({ parameters: units, macs: units, attentionMacs: 0, bytes: 4 * units });
  const removed = (removal: ReadonlyMap<string, readonly number[]>) =>
    [...removal.values()].reduce((sum, units) => sum + units.length, 0);
  return {
    coupling,
    groups: coupling.groups,
    scores: new Map(Object.entries(scores).map(([id, values]) => [id, Float32Array.from(values)])),
    budget: { kind: 'ratio', ratio: 0.5 },
    rule,
    plan: planCells(coupling, rule),
    roundTo: 1,
    maxRatio: 1,
    ratios: {},
    before: costAt(total),
    cost: (removal) => costAt(total - removed(removal)),
    savings: (units) => new Map(units.map(({ id }) => [id, costAt(1)])),
    ...overrides,
  };
}
