import type { Coupling, Cut, Group, Removal } from '@secateur/graph';
import type { Outcome } from './method.js';
import type { Json } from './run-store.js';
import type { UnitScores } from './selector.js';
import { Sha256 } from './sha256.js';
import { isDepth } from './space.js';

/** Removed indices of one tensor's axis, as ranges: `[[0, 3], [7, 8]]` removes 0, 1, 2 and 7. */
export type Ranges = readonly (readonly [number, number])[];

/**
 * What was done to a model, enough to do it again without scoring: `secateur.json`.
 */
export interface Manifest {
  readonly secateur: 1;
  /** Model class, where the format has classes. */
  readonly className?: string;
  readonly source: readonly { readonly name: string; readonly sha256: string }[];
  readonly method: { readonly name: string; readonly options: Json; readonly paper?: string };
  readonly criterion: string;
  readonly selector: string;
  readonly space: string;
  readonly settings: Json;
  readonly normGroups?: string;
  readonly seed: number;
  readonly data?: Json;
  /** SHA-256 over all scores in order: two runs that agree here cut the same. */
  readonly scoresSha256?: string;
  /** Removed units by group. */
  readonly removed: Readonly<Record<string, Ranges>>;
  /** Shape of every parameter that lost something. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** Kept indices, by parameter and checkpoint axis. */
  readonly kept: Readonly<Record<string, Readonly<Record<string, Ranges>>>>;
  readonly versions: Readonly<Record<string, string>>;
}

/** Ascending whole numbers as half-open ranges. */
export function toRanges(indices: readonly number[]): Ranges {
  const ranges: [number, number][] = [];
  for (const index of [...indices].sort((a, b) => a - b)) {
    const last = ranges[ranges.length - 1];
    if (last && last[1] === index) last[1]++;
    else ranges.push([index, index + 1]);
  }
  return ranges;
}

export function fromRanges(ranges: Ranges): number[] {
  return ranges.flatMap(([start, end]) => Array.from({ length: end - start }, (_, i) => start + i));
}

export function rangesOfRemoval(removal: Removal): Record<string, Ranges> {
  const out: Record<string, Ranges> = {};
  for (const [id, units] of removal) if (units.length > 0) out[id] = toRanges(units);
  return out;
}

/** The removal a manifest describes, to replay it on the same model. */
export function removalOfManifest(manifest: Pick<Manifest, 'removed'>): Removal {
  return new Map(Object.entries(manifest.removed).map(([id, ranges]) => [id, fromRanges(ranges)]));
}

export function keptOfCut(cut: Cut): Record<string, Record<string, Ranges>> {
  const out: Record<string, Record<string, Ranges>> = {};
  for (const [tensor, axes] of cut.kept) {
    out[tensor] = {};
    for (const [axis, indices] of axes) out[tensor][axis] = toRanges(indices);
  }
  return out;
}

/** One hash over all scores, groups in order. */
export function hashScores(scores: UnitScores): string {
  const hash = new Sha256();
  for (const [id, values] of scores) {
    hash.update(new TextEncoder().encode(`${id}:${values.length};`));
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.hex();
}

/** What a group kept, for reports. */
export interface GroupReport {
  readonly id: string;
  readonly kind: string;
  readonly size: number;
  readonly kept: number;
  /** `[size]`, absent where nothing was scored. */
  readonly scores?: readonly number[];
  readonly removed: Ranges;
  readonly tensors: readonly string[];
}

export function reportGroups(coupling: Coupling, outcome: Outcome): GroupReport[] {
  return reportedGroups(coupling, outcome).map((group) => {
    const removed = outcome.removal?.get(group.id) ?? [];
    const scores = outcome.scores?.get(group.id);
    return {
      id: group.id,
      kind: group.kind,
      size: group.size,
      kept: group.size - removed.length,
      scores: scores && Array.from(scores, (score) => Number(score.toPrecision(6))),
      removed: toRanges(removed),
      tensors: [...new Set(group.slices.map((slice) => slice.tensor))],
    };
  });
}

/** All groups of slots; of the others those that something was decided about. */
function reportedGroups(coupling: Coupling, { removal, scores, leftWhole, space }: Outcome): readonly Group[] {
  const others = space.kind === 'units' && space.units.some((kind) => kind === 'modulation' || isDepth(kind));
  if (!others) return coupling.groups;
  const decided = ({ id }: Group) => removal?.has(id) || scores?.has(id) || leftWhole?.has(id);
  return [...coupling.groups, ...coupling.modulations.filter(decided), ...coupling.depth.filter(decided)];
}
