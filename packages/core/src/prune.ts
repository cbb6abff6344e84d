import { type Coupling, couple, type Cut, type OpSet, removeUnits, SecateurError, throwIfAborted } from '@secateur/graph';
import { applyMasks } from './apply-masks.js';
import type { Budget, Cost } from './budget.js';
import { ratioBudget } from './budget.js';
import type { Calibration } from './calibration.js';
import { costOf } from './cost.js';
import type { Engine } from './engine.js';
import { type Latency, measureLatency } from './latency.js';
import { type GroupReport, hashScores, keptOfCut, type Manifest, rangesOfRemoval, reportGroups } from './manifest.js';
import { sparsityOf } from './masks/mask.js';
import type { Method, Outcome, PruneSettings } from './method.js';
import type { Model } from './model.js';
import type { NormGroupRule } from './norm-rules.js';
import { type Logger, type ProgressListener, silentLogger } from './progress.js';
import { type Json, memoryRunStore, RunJournal, type RunStore } from './run-store.js';
import type { Masks } from './selector.js';
import { sha256 } from './sha256.js';
import type { Space } from './space.js';
import type { TimestepLoss } from './statistics/statistics.js';

export interface PruneOptions {
  readonly method: Method;
  /** Fraction of units to remove, in [0, 1). Give this or `budget`. */
  readonly ratio?: number;
  readonly budget?: Budget;
  /** Overrides the method's space. */
  readonly space?: Space;
  readonly normGroups?: NormGroupRule;
  readonly roundTo?: number;
  readonly maxRatio?: number;
  /** Tensor name patterns (`*` for any characters) whose groups are left alone. */
  readonly ignore?: readonly string[];
  /** Ratios by tensor name pattern, instead of the budget's. */
  readonly ratios?: Readonly<Record<string, number>>;
  /** Calibration samples, for criteria that need gradients or activations. */
  readonly data?: Calibration;
  /** Runs the model, for criteria that need it, latency budgets and latency in the report. */
  readonly engine?: Engine;
  /** Threads of one run. Default: the engine's. */
  readonly threads?: number;
  /** Whether latency is measured before and after. Default: when an engine is given. */
  readonly latency?: boolean;
  readonly seed?: number;
  /** Operators of plugins besides the built-in ones. */
  readonly ops?: OpSet;
  readonly signal?: AbortSignal;
  readonly logger?: Logger;
  readonly onProgress?: ProgressListener;
  /** Where the run remembers its steps, so that it can go on after being killed. Default: nowhere. */
  readonly store?: RunStore;
  /** Stop after the choice: what would go and what it would save, nothing cut. */
  readonly dryRun?: boolean;
}

export interface Measured extends Cost {
  readonly latency?: Latency;
}

/** Everything a report shows; survives JSON. */
export interface PruneReport {
  readonly model: string;
  readonly before: Measured;
  readonly after: Measured;
  readonly method: { readonly name: string; readonly options: Json; readonly paper?: string };
  readonly criterion: string;
  readonly selector: string;
  readonly space: string;
  readonly settings: Json;
  readonly normGroups?: string;
  readonly seed: number;
  readonly groups: readonly GroupReport[];
  /** Parameters that no unit covers, and groups that were left whole, with reasons. */
  readonly notPruned: readonly { readonly tensor: string; readonly axis: number | null; readonly reason: string }[];
  /** Share of parameters that lie in some unit. */
  readonly coverage: number;
  readonly losses: readonly TimestepLoss[];
  readonly stoppedAt?: number;
  /** Sparsity by tensor, for element and N:M masks. */
  readonly sparsity?: Readonly<Record<string, number>>;
  readonly engine?: string;
  readonly warnings: readonly string[];
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
 * @throws {SecateurError} BAD_OPTION, MISSING_NEED, CANNOT_PRUNE, BAD_PLUGIN, BAD_DATA, ABORTED
 */
export async function prune(model: Model, options: PruneOptions): Promise<PruneResult> {
  const settings = checkSettings(options);
  const { method, signal, ops, seed = 0 } = options;
  const warnings: string[] = [];
  const logger = collecting(options.logger ?? silentLogger, warnings);
  const progress = throttled(options.onProgress, method.name);
  const coupling = couple(model.graph, { ops });
  const identity = await identityOf(model, options, settings);
  const journal = await RunJournal.open(options.store ?? memoryRunStore(), await sha256(encode(identity)));
  if (journal.resumed) logger.info('Going on from the last saved step.');
  const outcome = await runMethod(method, {
    ...options,
    model,
    coupling,
    settings,
    seed,
    logger,
    journal,
    onProgress: progress,
    latency: options.engine && ((candidate) => medianMs(candidate, options)),
  });
  const { pruned, cut } = applyOutcome(model, coupling, outcome, options.dryRun ?? false);
  const before = costOf(model, { ops });
  const after = cut ? costOf({ ...model, graph: cut.graph }, { ops }) : costOf(pruned, { ops });
  progress({ phase: 'latency', done: 0, total: 1, unit: 'measurements' });
  const latencies =
    options.engine && options.latency !== false && !options.dryRun
      ? await measureLatency([model, pruned], { engine: options.engine, threads: options.threads, signal })
      : [];
  const manifest = await makeManifest(model, options, settings, outcome, coupling, cut, identity);
  const report: PruneReport = {
    model: model.name,
    before: { ...before, latency: latencies[0] },
    after: { ...after, latency: latencies[1] },
    method: manifest.method,
    criterion: outcome.criterion,
    selector: outcome.selector,
    space: outcome.space.name,
    settings: manifest.settings,
    normGroups: outcome.normGroups,
    seed,
    groups: reportGroups(coupling, outcome),
    notPruned: [...coupling.notPruned.map(({ tensor, axis, reason }) => ({ tensor, axis, reason })), ...wholeGroups(coupling, outcome)],
    coverage: coupling.parameters === 0 ? 1 : coupling.covered / coupling.parameters,
    losses: outcome.statistics?.losses ?? [],
    stoppedAt: outcome.statistics?.stoppedAt,
    sparsity: outcome.masks && Object.fromEntries([...outcome.masks].map(([name, mask]) => [name, sparsityOf(mask)])),
    engine: await options.engine?.describe(),
    warnings,
  };
  return { model: pruned, coupling, outcome, cut, masks: outcome.masks, manifest, report };
}

function checkSettings(options: PruneOptions): PruneSettings {
  const { ratio, budget, roundTo = 1, maxRatio = 1 } = options;
  if ((ratio === undefined) === (budget === undefined)) {
    throw new SecateurError('BAD_OPTION', 'Give either a ratio or a budget.', {
      field: 'ratio',
      hint: 'ratio: 0.3 removes three units in ten; budget: macs=0.56 leaves 56 % of the MACs.',
    });
  }
  if (!Number.isInteger(roundTo) || roundTo < 1) {
    throw new SecateurError('BAD_OPTION', `roundTo must be a whole number from 1; it is ${roundTo}.`, { field: 'roundTo' });
  }
  if (!(maxRatio > 0 && maxRatio <= 1)) {
    throw new SecateurError('BAD_OPTION', `maxRatio must be in (0, 1]; it is ${maxRatio}.`, { field: 'maxRatio' });
  }
  return {
    budget: budget ?? ratioBudget(ratio!),
    space: options.space,
    normGroups: options.normGroups,
    roundTo,
    maxRatio,
    ignore: options.ignore ?? [],
    ratios: options.ratios ?? {},
  };
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

function wholeGroups(coupling: Coupling, outcome: Outcome): { tensor: string; axis: number; reason: string }[] {
  return [...(outcome.leftWhole ?? [])].flatMap(([id, reason]) => {
    const group = coupling.groups.find((candidate) => candidate.id === id);
    return group ? [{ tensor: group.slices[0].tensor, axis: group.slices[0].axis, reason: `group left whole: ${reason}` }] : [];
  });
}

async function medianMs(model: Model, options: PruneOptions): Promise<number> {
  const [latency] = await measureLatency([model], { engine: options.engine!, threads: options.threads, signal: options.signal });
  return latency.medianMs;
}

/** Everything that decides the result. Two runs of the same identity give the same bytes. */
async function identityOf(model: Model, options: PruneOptions, settings: PruneSettings): Promise<Json> {
  return {
    source: (await model.files()).map(({ name, sha256 }) => ({ name, sha256 })),
    method: options.method.name,
    options: toJson(options.method.options),
    settings: toJson(settings),
    seed: options.seed ?? 0,
    threads: options.threads ?? null,
    engine: options.engine?.name ?? null,
    data: (await options.data?.describe()) ?? null,
  };
}

async function makeManifest(
  model: Model,
  options: PruneOptions,
  settings: PruneSettings,
  outcome: Outcome,
  coupling: Coupling,
  cut: Cut | undefined,
  identity: Json,
): Promise<Manifest> {
  const { source, data } = identity as unknown as { source: Manifest['source']; data: Json };
  const shapes: Record<string, readonly number[]> = {};
  for (const constant of cut?.graph.constants.values() ?? []) {
    const { parameter } = constant;
    if (parameter && cut!.kept.has(parameter.name)) shapes[parameter.name] = parameter.shape;
  }
  return {
    secateur: 1,
    className: model.className,
    source,
    method: { name: options.method.name, options: toJson(options.method.options), paper: options.method.paper },
    criterion: outcome.criterion,
    selector: outcome.selector,
    space: outcome.space.name,
    settings: toJson(settings),
    normGroups: outcome.normGroups,
    seed: options.seed ?? 0,
    data: data ?? undefined,
    scoresSha256: outcome.scores && hashScores(outcome.scores),
    removed: outcome.removal ? rangesOfRemoval(outcome.removal) : {},
    shapes,
    kept: cut ? keptOfCut(cut) : {},
    versions: { 'plugin-api': '1' },
  };
}

function toJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

function encode(value: Json): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function collecting(logger: Logger, warnings: string[]): Logger {
  return {
    debug: (message) => logger.debug(message),
    info: (message) => logger.info(message),
    warn: (message) => {
      warnings.push(message);
      logger.warn(message);
    },
  };
}

/** At most about twenty reports a second; first and last of a phase always. */
function throttled(listener: ProgressListener | undefined, plugin: string): ProgressListener {
  if (!listener) return () => {};
  let last = Number.NEGATIVE_INFINITY;
  let phase = '';
  return (progress) => {
    const now = performance.now();
    if (progress.phase === phase && progress.done < progress.total && now - last < 50) return;
    last = now;
    phase = progress.phase;
    listener({ plugin, ...progress });
  };
}
