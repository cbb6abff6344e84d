import type { Coupling, DepthUnit, Group, Removal } from '@secateur/graph';
import type { Budget, Cost } from './budget.js';
import type { Mask } from './masks/mask.js';
import type { CellPlan, NormGroupRule } from './norm-rules.js';
import { makeFactory, type Plugin, type PluginDefinition, type PluginFactory } from './plugin.js';

/** Scores of every group that may be cut: `[size]` each, larger = keep. */
export type UnitScores = ReadonlyMap<string, Float32Array>;

export interface SelectContext<Options> {
  readonly options: Readonly<Options>;
  readonly coupling: Coupling;
  /** Groups to choose from: of the space's kinds, not ignored, not left whole by the norm-group rule. */
  readonly groups: readonly Group[];
  readonly scores: UnitScores;
  readonly budget: Budget;
  readonly rule: NormGroupRule;
  readonly plan: CellPlan;
  /** Kept counts are rounded up to multiples of this. Default 1. */
  readonly roundTo: number;
  /** No group loses more than this share. In (0, 1]. */
  readonly maxRatio: number;
  /** Ratios that override the budget's for some groups, by group id. */
  readonly ratios: Readonly<Record<string, number>>;
  readonly before: Cost;
  /** Cost of what remains after a removal; reads no weights. */
  cost(removal: Removal): Cost;
  /** What each of some layers or blocks saves by itself, by id: see `depthCosts`. */
  savings(units: readonly DepthUnit[]): ReadonlyMap<string, Cost>;
  /** Measured milliseconds of one run after a removal, and before. Only with a `latency` budget. */
  latency?(removal: Removal): Promise<number>;
}

export interface SelectorDefinition<Options> extends PluginDefinition<Options> {
  /** Which units go. Ties are broken by index. */
  select(context: SelectContext<Options>): Removal | Promise<Removal>;
}

/** Which units go, under a budget? */
export interface Selector extends Plugin<object> {
  readonly kind: 'selector';
  select(context: Omit<SelectContext<object>, 'options'>): Promise<Removal>;
}

/** Declares a selector for units. Element and N:M spaces choose by pattern; see `selectElements`. */
export function defineSelector<Options extends object>(
  definition: SelectorDefinition<Options>,
): PluginFactory<Selector, Options> {
  return makeFactory<Selector & Plugin<Options>, Options>('selector', definition, (base) => ({
    ...base,
    kind: 'selector',
    select: async (context) => definition.select({ ...context, options: base.options }),
  }));
}

/** Element masks by tensor. */
export type Masks = ReadonlyMap<string, Mask>;
