import { planTies, type WidthTies } from '@secateur/core';
import {
  type Constant,
  type Coupling,
  couple,
  evaluateGraph,
  type Graph,
  type Removal,
  removeUnits,
  sliceConstant,
  type Tensor,
} from '@secateur/graph';
import { expectClose, seededRandom } from '@secateur/testkit';
import { expect } from 'vitest';
import { type ModelClass, type Overrides, overridesOf, shapesOf, weightsFrom } from '../../src/index.js';

/** A model whose removals are compared with its class' own builder. */
export interface RemovalCase {
  readonly modelClass: ModelClass;
  readonly config: Record<string, unknown>;
  readonly weights: ReadonlyMap<string, Constant>;
  readonly feeds: Record<string, Tensor>;
  /** Names of the outputs to compare. Default: `out`. */
  readonly outputs?: readonly string[];
  /** Modules that the weights are without; what only they read may go with them. Default: none. */
  readonly removed?: readonly string[];
}

/**
 * Removes units and compares the outputs with those of the model that the builder makes of the weights, sliced by the table
 * of surviving indices and never by the surgery under test; and its heads are what the cut says.
 *
 * @returns how many tensors lost something
 */
export function expectRemovalEqualsRebuild(model: RemovalCase, coupling: Coupling, removal: Removal): number {
  const { modelClass, config, weights, feeds, outputs = ['out'], removed = [] } = model;
  const cut = removeUnits(coupling, removal);
  const left = shapesOf(cut.graph);
  const sliced = new Map<string, Constant>();
  for (const constant of coupling.flow.graph.constants.values()) {
    const name = constant.parameter?.name;
    const source = name !== undefined && (weights.get(name) ?? (constant.parameter!.computed ? constant : undefined));
    if (source && left.has(name)) sliced.set(name, sliceConstant(source, cut.kept.get(name) ?? new Map()));
  }
  const { heads, ...rest } = overridesOf(cut.graph, modelClass.outline(config));
  expect(rest.removed).toEqual(removed.length === 0 ? [] : expect.arrayContaining([...removed]));
  const rebuilt = modelClass.build(config, weightsFrom(sliced), {
    heads,
    scale: scalesThatMoved(rest),
    removed: rest.removed,
  });
  const [a, b] = [evaluateGraph(cut.graph, feeds), evaluateGraph(rebuilt, feeds)];
  for (const output of outputs) {
    // The same arithmetic in the same order; 1e-5 leaves room for nothing but a reordered sum.
    expectClose(a[output].data as Float32Array, b[output].data as Float32Array, 1e-5, output);
  }
  return cut.kept.size;
}

/** A cut must not change a scale: it stays that of the head before the cut. */
function scalesThatMoved({ scale = {} }: Overrides): Overrides['scale'] {
  expect(scale).toEqual({});
  return scale;
}

/** {@link expectRemovalEqualsRebuild} for random units of every group, and for those of one kind at a time. */
export function expectRandomRemovals(model: RemovalCase, seed: number): void {
  const { modelClass, config, weights, removed } = model;
  const coupling = couple(modelClass.build(config, weightsFrom(weights), { removed }));
  expect(expectRemovalEqualsRebuild(model, coupling, randomRemoval(coupling, seed))).toBeGreaterThan(
    weights.size * 0.4,
  );
  for (const kind of new Set(coupling.groups.map((group) => group.kind))) {
    const removal = randomRemoval(coupling, seed + 1, (group) => group.kind === kind);
    expect(expectRemovalEqualsRebuild(model, coupling, removal), kind).toBeGreaterThan(0);
  }
}

/** From every group some units: of normed ones the same number from each norm group, so that norms stay divisible. */
export function randomRemoval(
  coupling: Coupling,
  seed: number,
  isWanted: (group: Coupling['groups'][number]) => boolean = () => true,
): Removal {
  const random = seededRandom(seed);
  const normGroups = new Map<string, number>();
  for (const { groups, channels } of coupling.norms) {
    for (const channel of channels) if (channel) normGroups.set(channel.group, groups);
  }
  const removal = new Map<string, number[]>();
  for (const group of coupling.groups.filter(isWanted)) {
    const cells = normGroups.get(group.id) ?? 1;
    const size = group.size / cells;
    const count = Math.max(size > 1 ? 1 : 0, Math.floor(random() * Math.min(size, 1 + size / 2)));
    const units: number[] = [];
    for (let cell = 0; cell < cells; cell++) {
      const order = Array.from({ length: size }, (_, i) => [random(), cell * size + i] as const).sort(
        ([a], [b]) => a - b,
      );
      units.push(...order.slice(0, count).map(([, unit]) => unit));
    }
    removal.set(group.id, units);
  }
  return removal;
}

/** The graph without a share of the steps of every tie, rounded down: the same number from each cell of a group. */
export function cutTies(coupling: Coupling, ties: WidthTies, share: number): Graph {
  const removal = new Map<string, number[]>();
  for (const { group, cellOf, sizes, steps } of planTies(coupling, ties).cells.values()) {
    const seen = sizes.map(() => 0);
    const units = Array.from({ length: group.size }, (_, unit) => unit);
    const gone = Math.floor(steps * share) / steps;
    removal.set(
      group.id,
      units.filter((unit) => seen[cellOf[unit]!]++ < sizes[cellOf[unit]!]! * gone),
    );
  }
  return removeUnits(coupling, removal).graph;
}
