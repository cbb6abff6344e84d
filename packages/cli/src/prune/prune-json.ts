import type { Measured, PruneResult } from '@secateur/core';
import { parametersOf } from '@secateur/core';
import type { Extras } from './extras.js';

/** Shape of a parameter before and after, or its sparsity; parameters that lost nothing are left out. */
export interface PrunedLayer {
  readonly tensor: string;
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Share of zeros that masks put in. */
  readonly sparsity?: number;
}

/** What `prune --json` prints and `report.json` holds. */
export function pruneJson(result: PruneResult, extras: Extras): Record<string, unknown> {
  const { report } = result;
  const { before, after, method, ...rest } = report;
  return {
    ...rest,
    before: measuredJson(before),
    after: measuredJson(after),
    method: method.name,
    paper: method.paper,
    options: method.options,
    layers: layersOf(result),
    outputErrors: extras.outputErrors,
  };
}

function measuredJson({ latency, ...cost }: Measured): Record<string, unknown> {
  return { ...cost, latencyMs: latency?.medianMs ?? null, latency };
}

export function layersOf({ manifest, masks, coupling }: PruneResult): PrunedLayer[] {
  const before = parametersOf(coupling.flow.graph);
  const shapeOf = (tensor: string) => before.get(tensor)?.constant.parameter?.shape ?? [];
  const cut = Object.entries(manifest.shapes).map(([tensor, after]) => ({ tensor, before: shapeOf(tensor), after }));
  const masked = [...(masks?.keys() ?? [])].map((tensor) => ({ tensor, before: shapeOf(tensor), after: shapeOf(tensor) }));
  return [...cut, ...masked];
}
