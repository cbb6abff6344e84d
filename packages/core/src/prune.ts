import {
  type Coupling,
  type Cut,
  coupleKnown,
  type OpSet,
  removeUnits,
  SecateurError,
  throwIfAborted,
  unknownOps,
} from '@secateur/graph';
import { applyMasks } from './apply-masks.js';
import type { Budget } from './budget.js';
import type { Calibration } from './calibration.js';
import { costOf } from './cost.js';
import type { Engine } from './engine.js';
import { type Latency, measureLatency } from './latency.js';
import type { TreatmentChoice } from './layer-units.js';
import { hashScores, keptOfCut, type Manifest, rangesOfRemoval } from './manifest.js';
import type { Method, Outcome, PruneSettings } from './method.js';
import type { Model } from './model.js';
import type { NormGroupRule } from './norm-rules.js';
import { collecting, type Logger, type ProgressListener, silentLogger, throttled } from './progress.js';
import { type Measured, makeReport, type PruneReport } from './prune-report.js';
import { settingsOf } from './prune-settings.js';
import { type Json, memoryRunStore, RunJournal, type RunStore } from './run-store.js';
import type { Masks } from './selector.js';
import { sha256 } from './sha256.js';
import type { Space } from './space.js';

export interface PruneOptions {
  readonly method: Method;
  /** Fraction of units to remove, in [0, 1). Give this or `budget`. */
  readonly ratio?: number;
  readonly budget?: Budget;
  /** Overrides the method's space. An N:M pattern needs no ratio: it is the ratio. */
  readonly space?: Space;
  /**
   * What to leave of a layer whose input is concatenated with a skip: its shortcut convolution, or (`pass`) the part of the
   * input that is no skip, where that is as wide as the output. Default `shortcut`.
   */
  readonly treatment?: TreatmentChoice;
  readonly normGroups?: NormGroupRule;
  readonly roundTo?: number;
  /** Restricts widths to what the model's configuration can say, so that stock loaders load the result. Default false. */
  readonly expressible?: boolean;
  readonly maxRatio?: number;
  /** Tensor name patterns (`*` for any characters) whose groups are left alone. */
  readonly ignore?: readonly string[];
  /** Ratios by tensor name pattern, instead of the budget's. */
  readonly ratios?: Readonly<Record<string, number>>;
  /** How many timesteps of the schedule scoring visits, spread evenly. Default: all; fewer is faster and rougher. */
  readonly timesteps?: number;
  /** Calibration samples, for criteria that need gradients or activations. */
  readonly data?: Calibration;
  /** Runs the model, for criteria that need it, latency budgets and latency in the report. */
  readonly engine?: Engine;
  /** Threads of one run. Default: the engine's. */
  readonly threads?: number;
  /** Whether latency is measured before and after. Default: when an engine is given. */
  readonly latency?: boolean;
  /** Default 0. */
  readonly seed?: number;
  /** Operators of plugins besides the built-in ones. */
  readonly ops?: OpSet;
  readonly signal?: AbortSignal;
  readonly logger?: Logger;
  readonly onProgress?: ProgressListener;
  /**
   * Where the run remembers its steps, so that it can go on after being killed. Default: nowhere. The caller clears it once
   * the result is saved: a kill between the choice and the saving loses nothing.
   */
  readonly store?: RunStore;
  /** Milliseconds between two records in the store. Default 10,000. */
  readonly saveEveryMs?: number;
  /** Stop after the choice: what would go and what it would save, nothing cut. */
  readonly dryRun?: boolean;
}

export interface PruneResult {
  /** The pruned model; the given one on a dry run. */
  readonly model: Model;
  readonly coupling: Coupling;
  readonly outcome: Outcome;
  readonly cut?: Cut;
  readonly masks?: Masks;
  readonly manifest: Manifest;
  readonly report: PruneReport;
}

/**
 * Prunes a model: runs the method, makes the cut, and measures both sides. The given model is not changed.
 *
 * @throws {SecateurError} BAD_OPTION for a setting or option out of range
 * @throws {SecateurError} MISSING_NEED when the method needs data or an engine that is not given
 * @throws {SecateurError} BAD_DATA when weights, activations or losses are NaN or infinite
 * @throws {SecateurError} BAD_PLUGIN when a plugin throws, gives no outcome, or scores of the wrong length or not finite
 * @throws {SecateurError} CANNOT_PRUNE when the budget cannot be met or a cut cannot be made
 * @throws {SecateurError} ABORTED when `signal` fires
 */
export async function prune(model: Model, options: PruneOptions): Promise<PruneResult> {
  throwIfAborted(options.signal);
  const settings = settingsOf(options);
  const { method, ops, engine, seed = 0 } = options;
  const warnings: string[] = [];
  const logger = collecting(options.logger ?? silentLogger, warnings);
  const unknown = unknownOps(model.graph, ops);
  if (unknown.length > 0) {
    const names = unknown.map(({ op, node }) => `${op} ("${node}")`).join(', ');
    logger.warn(`Not known: ${names}. MACs of what depends on them are not counted; latency is not measured.`);
  }
  const onProgress = throttled(options.onProgress, method.name);
  const coupling = coupleKnown(model.graph, { ops });
  const describedData = (await options.data?.describe()) ?? null;
  // Hashing a large model takes as long as choosing in it: both go on at once.
  const identity = identityOf(model, options, settings, describedData);
  const fingerprint = identity.then((whole) => sha256(new TextEncoder().encode(JSON.stringify(whole))));
  const journal = await RunJournal.open(options.store ?? memoryRunStore(), fingerprint, {
    everyMs: options.store ? options.saveEveryMs : Number.POSITIVE_INFINITY,
  });
  if (journal.resumed) logger.info('Going on from the last saved step.');
  const latency = engine && (async (candidate: Model) => (await latenciesOf([candidate], options))[0].medianMs);
  const context = { ...options, model, coupling, settings, seed, logger, journal, onProgress, latency };
  const outcome = await runMethod(method, context);
  const { pruned, cut } = applyOutcome(model, coupling, outcome, options.dryRun ?? false);
  const [before, after] = await measure(model, pruned, cut, options, onProgress);
  const manifest = makeManifest(model, settings, outcome, cut, await identity);
  const report = makeReport({
    model: model.name,
    coupling,
    outcome,
    manifest,
    before,
    after,
    engine: engine && `${await engine.describe()}${options.threads ? `, ${options.threads} threads a run` : ''}`,
    warnings,
  });
  return { model: pruned, coupling, outcome, cut, masks: outcome.masks, manifest, report };
}

async function runMethod(method: Method, context: Parameters<Method['steps']>[0]): Promise<Outcome> {
  let outcome: Outcome | undefined;
  for await (const step of method.steps(context)) {
    throwIfAborted(context.signal);
    context.logger.debug(`${method.name}: ${step.name}`);
    if (step.outcome) outcome = step.outcome;
  }
  if (!outcome) {
    throw new SecateurError('BAD_PLUGIN', `Method "${method.name}" ended without an outcome.`, { plugin: method.name });
  }
  return outcome;
}

function applyOutcome(
  model: Model,
  coupling: Coupling,
  outcome: Outcome,
  dryRun: boolean,
): { pruned: Model; cut?: Cut } {
  const cut = outcome.removal && removeUnits(coupling, outcome.removal);
  if (dryRun) return { pruned: model, cut };
  let graph = cut?.graph ?? model.graph;
  if (outcome.masks) graph = applyMasks(graph, outcome.masks);
  return { pruned: { ...model, graph }, cut };
}

/** Costs of both sides; latency where there is an engine, it is wanted, and something was cut. */
async function measure(
  model: Model,
  pruned: Model,
  cut: Cut | undefined,
  options: PruneOptions,
  onProgress: ProgressListener,
): Promise<[Measured, Measured]> {
  const { ops } = options;
  const before = costOf(model, { ops });
  const after = costOf(cut ? { ...model, graph: cut.graph } : pruned, { ops });
  if (!options.engine || options.latency === false || options.dryRun) return [before, after];
  if (unknownOps(model.graph, ops).length > 0) return [before, after];
  const report = (done: number) => onProgress({ phase: 'latency', done, total: 1, unit: 'measurements' });
  report(0);
  const [dense, smaller] = await latenciesOf([model, pruned], options);
  report(1);
  return [
    { ...before, latency: dense },
    { ...after, latency: smaller },
  ];
}

async function latenciesOf(models: readonly Model[], options: PruneOptions): Promise<Latency[]> {
  return measureLatency(models, { engine: options.engine!, threads: options.threads, signal: options.signal });
}

/** Everything that decides the result. Two runs of the same identity give the same bytes. */
interface Identity {
  readonly source: Manifest['source'];
  readonly method: Manifest['method'];
  readonly settings: Json;
  readonly seed: number;
  readonly threads: number | null;
  readonly engine: string | null;
  readonly data: Json;
}

async function identityOf(model: Model, options: PruneOptions, settings: PruneSettings, data: Json): Promise<Identity> {
  const { method, engine, threads = null, seed = 0 } = options;
  return {
    source: (await model.files()).map(({ name, sha256 }) => ({ name, sha256 })),
    method: { name: method.name, options: toJson(method.options), paper: method.paper },
    settings: toJson(settings),
    seed,
    threads,
    engine: engine?.name ?? null,
    data,
  };
}

function makeManifest(
  model: Model,
  settings: PruneSettings,
  outcome: Outcome,
  cut: Cut | undefined,
  { source, method, data, seed }: Identity,
): Manifest {
  const shapes: Record<string, readonly number[]> = {};
  for (const { parameter } of cut?.graph.constants.values() ?? []) {
    if (parameter && cut!.kept.has(parameter.name)) shapes[parameter.name] = parameter.shape;
  }
  return {
    secateur: 1,
    className: model.className,
    source,
    method,
    criterion: outcome.criterion,
    selector: outcome.selector,
    space: outcome.space.name,
    settings: toJson(settings),
    normGroups: outcome.normGroups,
    seed,
    data: data ?? undefined,
    scoresSha256: outcome.scores && hashScores(outcome.scores),
    removed: outcome.removal ? rangesOfRemoval(outcome.removal) : {},
    shapes,
    kept: cut ? keptOfCut(cut) : {},
    versions: { 'plugin-api': '1' },
  };
}

function toJson(value: object): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}
