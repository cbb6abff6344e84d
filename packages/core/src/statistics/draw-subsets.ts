import type { DepthUnit } from '@secateur/graph';
import { uniform } from '../random.js';

/** The largest share of the units that a subset holds. */
const MOST = 0.6;

/**
 * Random sets of layers or blocks, none of which has a layer in common with another of its set: of two units up to 60 % of
 * them, every size as likely. Fewer sets, or none, where there are too few units.
 */
export function drawSubsets(units: readonly DepthUnit[], count: number, seed: number): DepthUnit[][] {
  const most = Math.max(2, Math.floor(units.length * MOST));
  if (units.length < 3) return [];
  return Array.from({ length: count }, (_, set) => {
    const size = 2 + Math.floor(uniform(seed, set) * (most - 1));
    const keys = units.map((_unit, i) => uniform(seed, set, i));
    const order = [...units.keys()].sort((a, b) => keys[a] - keys[b] || a - b);
    const taken = new Set<string>();
    const chosen: number[] = [];
    for (const at of order) {
      if (chosen.length === size) break;
      if (units[at].layers.some((layer) => taken.has(layer))) continue;
      for (const layer of units[at].layers) taken.add(layer);
      chosen.push(at);
    }
    return chosen.sort((a, b) => a - b).map((at) => units[at]);
  });
}
