import type { Coupling } from '@secateur/graph';
import type { Cost } from './budget.js';
import type { Latency } from './latency.js';
import { type GroupReport, type Manifest, reportGroups } from './manifest.js';
import { sparsityOf } from './masks/mask.js';
import type { Additivity, Outcome } from './method.js';
import type { Json } from './run-store.js';
import { groupOfId, isDepth } from './space.js';
import type { TimestepLoss } from './statistics/statistics.js';

export interface Measured extends Cost {
  /** Absent when no engine was given, or latency was not wanted. */
  readonly latency?: Latency;
}

/** Part of a model that was left as it is, and why. */
export interface NotPrunedReport {
  readonly tensor: string;
  /** Axis in the checkpoint's layout; `null` when the tensor as a whole is out of reach. */
  readonly axis: number | null;
  readonly reason: string;
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
  readonly notPruned: readonly NotPrunedReport[];
  /** Share of parameters that lie in some unit. */
  readonly coverage: number;
  readonly losses: readonly TimestepLoss[];
  readonly stoppedAt?: number;
  /** How well scores of layers add up, where that was measured. */
  readonly additivity?: Additivity;
  /** Sparsity by tensor, for element and N:M masks. */
  readonly sparsity?: Readonly<Record<string, number>>;
  readonly engine?: string;
  readonly warnings: readonly string[];
}

export interface ReportRequest {
  /** Name of the model. */
  readonly model: string;
  readonly coupling: Coupling;
  readonly outcome: Outcome;
  readonly manifest: Manifest;
  readonly before: Measured;
  readonly after: Measured;
  /** What the engine says it is. */
  readonly engine: string | undefined;
  readonly warnings: readonly string[];
}

export function makeReport({ model, coupling, outcome, manifest, ...measured }: ReportRequest): PruneReport {
  return {
    model,
    before: measured.before,
    after: measured.after,
    method: manifest.method,
    criterion: outcome.criterion,
    selector: outcome.selector,
    space: outcome.space.name,
    settings: manifest.settings,
    normGroups: outcome.normGroups,
    seed: manifest.seed,
    groups: reportGroups(coupling, outcome),
    notPruned: [
      ...coupling.notPruned.map(({ tensor, axis, reason }) => ({ tensor, axis, reason })),
      ...wholeGroups(coupling, outcome),
    ],
    coverage: coupling.parameters === 0 ? 1 : coupling.covered / coupling.parameters,
    losses: outcome.statistics?.losses ?? [],
    stoppedAt: outcome.statistics?.stoppedAt,
    ...(outcome.additivity ? { additivity: outcome.additivity } : {}),
    sparsity: outcome.masks && Object.fromEntries([...outcome.masks].map(([name, mask]) => [name, sparsityOf(mask)])),
    engine: measured.engine,
    warnings: measured.warnings,
  };
}

function wholeGroups(coupling: Coupling, outcome: Outcome): NotPrunedReport[] {
  return [...(outcome.leftWhole ?? [])].flatMap(([id, reason]) => {
    const group = groupOfId(coupling, id);
    if (!group) return [];
    const [{ tensor, axis }] = group.slices;
    return [{ tensor, axis: isDepth(group.kind) ? null : axis, reason: `group left whole: ${reason}` }];
  });
}
