import type { Coupling, OpSet, Removal } from '@secateur/graph';
import type { Budget } from './budget.js';
import type { Calibration } from './calibration.js';
import type { Engine } from './engine.js';
import type { TreatmentChoice } from './layer-units.js';
import type { Model } from './model.js';
import type { NormGroupRule } from './norm-rules.js';
import { makeFactory, type Plugin, type PluginDefinition, type PluginFactory } from './plugin.js';
import type { Logger, ProgressListener } from './progress.js';
import type { Json, RunJournal } from './run-store.js';
import type { Masks, UnitScores } from './selector.js';
import type { Space } from './space.js';
import type { Statistics } from './statistics/statistics.js';

/** What the caller of `prune()` asked for, apart from the method's own options. */
export interface PruneSettings {
  readonly budget: Budget;
  /** Overrides the method's own space. */
  readonly space?: Space;
  /** What to leave of a layer whose input is concatenated with a skip. Default `shortcut`. */
  readonly treatment?: TreatmentChoice;
  /** Overrides the method's own rule for GroupNorm. */
  readonly normGroups?: NormGroupRule;
  /** Restricts widths to what the model's configuration can say, so that stock loaders load the result. */
  readonly expressible: boolean;
  /** Kept widths are rounded up to multiples of this. Default 1. */
  readonly roundTo: number;
  /** No group loses more than this share of its units. In (0, 1]. Default 1: all but one may go. */
  readonly maxRatio: number;
  /** Tensors whose groups are left alone: a name matches with `*` for any characters. */
  readonly ignore: readonly string[];
  /** Ratio of the groups whose tensors match, instead of the budget's. */
  readonly ratios: Readonly<Record<string, number>>;
  /** How many timesteps of the schedule scoring visits, spread evenly; all when left out. */
  readonly timesteps?: number;
}

export interface MethodContext<Options> {
  readonly options: Readonly<Options>;
  readonly model: Model;
  readonly coupling: Coupling;
  readonly settings: PruneSettings;
  readonly engine?: Engine;
  readonly data?: Calibration;
  readonly threads?: number;
  readonly seed: number;
  readonly ops?: OpSet;
  readonly signal?: AbortSignal;
  readonly logger: Logger;
  readonly journal: RunJournal;
  readonly onProgress: ProgressListener;
  /** Milliseconds of one run of a model, for latency budgets. */
  latency?(model: Model): Promise<number>;
}

/** One step of a method: the progress event, and at the end what to do. */
export interface Step {
  /** What was done, e.g. `score`. */
  readonly name: string;
  /** What it found, for the report; a value that survives JSON. */
  readonly details?: Json;
  /** Given by the last step. */
  readonly outcome?: Outcome;
}

/** How well the sum of single layers' scores tells what removing several of them does. */
export interface Additivity {
  /** The criterion whose scores were added up. */
  readonly criterion: string;
  /** Random sets of layers: the sum of their scores, and the score of leaving them all out, measured. */
  readonly subsets: readonly {
    readonly units: readonly string[];
    readonly predicted: number;
    readonly measured: number;
  }[];
  /** Correlation of the two over the sets, in [-1, 1]; `null` where one of them does not vary. */
  readonly pearson: number | null;
  readonly spearman: number | null;
  /** The same for sums of other criteria's scores, against the same measurements. */
  readonly others: readonly {
    readonly criterion: string;
    readonly pearson: number | null;
    readonly spearman: number | null;
  }[];
}

/** What a method decided. */
export interface Outcome {
  /** Units to remove for real. */
  readonly removal?: Removal;
  /** Elements to zero. */
  readonly masks?: Masks;
  readonly scores?: UnitScores;
  readonly statistics?: Statistics;
  /** Where scores of layers are added up. */
  readonly additivity?: Additivity;
  /** Rule used for GroupNorm. */
  readonly normGroups?: NormGroupRule;
  /** Groups left alone, with the reason. */
  readonly leftWhole?: ReadonlyMap<string, string>;
  readonly space: Space;
  readonly criterion: string;
  readonly selector: string;
}

export interface MethodDefinition<Options> extends PluginDefinition<Options> {
  /** The publication: title and identifier. */
  readonly paper?: string;
  /** `false` when the method itself says how much goes. */
  readonly needsBudget?: false;
  /** Runs the method, step by step. The last step gives the outcome. */
  steps(context: MethodContext<Options>): AsyncIterable<Step>;
}

/** A published way of pruning, from scores to cut. */
export interface Method extends Plugin<object> {
  readonly kind: 'method';
  readonly paper?: string;
  /** `false` when the method itself says how much goes: neither a ratio nor a budget has to be given. */
  readonly needsBudget?: false;
  steps(context: Omit<MethodContext<object>, 'options'>): AsyncIterable<Step>;
}

/** Declares a method. */
export function defineMethod<Options extends object>(
  definition: MethodDefinition<Options>,
): PluginFactory<Method, Options> {
  return makeFactory<Method & Plugin<Options>, Options>('method', definition, (base) => ({
    ...base,
    kind: 'method',
    paper: definition.paper,
    needsBudget: definition.needsBudget,
    steps: (context) => definition.steps({ ...context, options: base.options }),
  }));
}
