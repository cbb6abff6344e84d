import type { Additivity, Json, Latency, Measured, PruneReport, Ranges } from '@secateur/core';

/** What one side of a run costs. */
export interface CostJson {
  readonly parameters: number;
  readonly macs: number;
  readonly attentionMacs: number;
  readonly bytes: number;
  /** Median of single runs; `null` when it was not measured. */
  readonly latencyMs: number | null;
  readonly latency: Latency | null;
}

/** What one group kept. */
export interface LayerJson {
  readonly id: string;
  readonly kind: string;
  readonly size: number;
  readonly kept: number;
  readonly removed: Ranges;
  readonly tensors: readonly string[];
  /** `[size]`, absent where nothing was scored or scores were left out. */
  readonly scores?: readonly number[];
}

/** `report.json`, and what `secateur prune --json` prints. */
export interface ReportJson {
  readonly secateur: 1;
  readonly model: string;
  readonly before: CostJson;
  readonly after: CostJson;
  /** Name of the method. */
  readonly method: string;
  readonly paper: string | null;
  readonly options: Json;
  readonly settings: Json;
  readonly criterion: string;
  readonly selector: string;
  readonly space: string;
  readonly normGroups: string | null;
  readonly seed: number;
  readonly engine: string | null;
  readonly coverage: number;
  readonly layers: readonly LayerJson[];
  readonly notPruned: PruneReport['notPruned'];
  readonly losses: PruneReport['losses'];
  readonly stoppedAt: number | null;
  readonly additivity: Additivity | null;
  readonly sparsity: Readonly<Record<string, number>> | null;
  readonly warnings: readonly string[];
}

export interface ReportJsonOptions {
  /** Whether every group's scores are in it; for large models they are most of its bytes. Default true. */
  readonly scores?: boolean;
}

/** A run in a form that survives `JSON.stringify` and does not change with what was measured: what is missing is `null`. */
export function reportJson(report: PruneReport, options: ReportJsonOptions = {}): ReportJson {
  const { scores: withScores = true } = options;
  return {
    secateur: 1,
    model: report.model,
    before: costJson(report.before),
    after: costJson(report.after),
    method: report.method.name,
    paper: report.method.paper ?? null,
    options: report.method.options,
    settings: report.settings,
    criterion: report.criterion,
    selector: report.selector,
    space: report.space,
    normGroups: report.normGroups ?? null,
    seed: report.seed,
    engine: report.engine ?? null,
    coverage: report.coverage,
    layers: report.groups.map(({ id, kind, size, kept, removed, tensors, scores }) => ({
      id,
      kind,
      size,
      kept,
      removed,
      tensors,
      ...(withScores && scores ? { scores } : {}),
    })),
    notPruned: report.notPruned,
    losses: report.losses,
    stoppedAt: report.stoppedAt ?? null,
    additivity: report.additivity ?? null,
    sparsity: report.sparsity ?? null,
    warnings: report.warnings,
  };
}

function costJson({ parameters, macs, attentionMacs, bytes, latency }: Measured): CostJson {
  return { parameters, macs, attentionMacs, bytes, latencyMs: latency?.medianMs ?? null, latency: latency ?? null };
}
