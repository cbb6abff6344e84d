import { fromRanges, type GroupReport } from '@secateur/core';

/** How the scores of one group lie, and where the cut went. */
export interface ScoreHistogram {
  /** Ascending edges of the bins, `[bins + 1]`. */
  readonly edges: readonly number[];
  /** Units in each bin that stay. `[bins]` */
  readonly kept: readonly number[];
  /** Units in each bin that went. `[bins]` */
  readonly removed: readonly number[];
  readonly lowest: number;
  readonly highest: number;
  /** Whether the last bin also holds scores beyond its upper edge. */
  readonly hasTail: boolean;
  readonly highestRemoved?: number;
  readonly lowestKept?: number;
}

/** Scores beyond this quantile are gathered in the last bin, when they would flatten all others. */
const tailQuantile = 0.97;

/** @returns `undefined` for a group that was not scored, or whose scores are not finite */
export function scoreHistogram(group: GroupReport): ScoreHistogram | undefined {
  const { scores } = group;
  if (!scores || scores.length === 0 || !scores.every(Number.isFinite)) return undefined;
  const gone = new Set(fromRanges(group.removed));
  const sorted = [...scores].sort((a, b) => a - b);
  const lowest = sorted[0]!;
  const highest = sorted[sorted.length - 1]!;
  const quantile = sorted[Math.floor(tailQuantile * (sorted.length - 1))]!;
  const hasTail = quantile > lowest && highest - lowest > 2 * (quantile - lowest);
  const bins = Math.min(32, Math.max(8, Math.round(2 * Math.sqrt(scores.length))));
  const top = hasTail ? quantile + (quantile - lowest) / (bins - 1) : highest;
  // Equal scores still need bins of some width.
  const end = top > lowest ? top : lowest + Math.max(1, Math.abs(lowest));
  const kept = new Array<number>(bins).fill(0);
  const removed = new Array<number>(bins).fill(0);
  let highestRemoved: number | undefined;
  let lowestKept: number | undefined;
  for (const [unit, score] of scores.entries()) {
    const bin = Math.min(bins - 1, Math.floor(((score - lowest) / (end - lowest)) * bins));
    if (gone.has(unit)) {
      removed[bin]!++;
      highestRemoved = Math.max(score, highestRemoved ?? score);
    } else {
      kept[bin]!++;
      lowestKept = Math.min(score, lowestKept ?? score);
    }
  }
  const edges = Array.from({ length: bins + 1 }, (_, i) => lowest + ((end - lowest) * i) / bins);
  return { edges, kept, removed, lowest, highest, hasTail, highestRemoved, lowestKept };
}
