import type { DepthUnit } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { drawSubsets } from '../../src/statistics/draw-subsets.js';

const unitOf = (id: string, ...layers: string[]) => ({ id, layers }) as unknown as DepthUnit;
const ten = Array.from({ length: 10 }, (_, i) => unitOf(`u${i}`, `l${i}`));
const idsOf = (sets: DepthUnit[][]) => sets.map((set) => set.map(({ id }) => id));

describe('drawSubsets', () => {
  it('gives the same sets for the same seed, of two to six of ten, in order', () => {
    const sets = drawSubsets(ten, 200, 5);
    expect(idsOf(drawSubsets(ten, 200, 5))).toEqual(idsOf(sets));
    expect(idsOf(drawSubsets(ten, 200, 6))).not.toEqual(idsOf(sets));
    expect([...new Set(sets.map(({ length }) => length))].sort()).toEqual([2, 3, 4, 5, 6]);
    for (const set of idsOf(sets)) expect(set).toEqual([...new Set(set)].sort());
    // Every unit is drawn about as often as any other: four of ten, 200 times.
    for (const unit of ten) expect(sets.filter((set) => set.includes(unit)).length).toBeGreaterThan(50);
  });

  it('takes nothing that lies in another of its set', () => {
    const nested = [unitOf('both', 'a', 'b'), unitOf('a', 'a'), unitOf('b', 'b'), unitOf('c', 'c')];
    for (const set of drawSubsets(nested, 50, 1)) {
      const layers = set.flatMap((unit) => unit.layers);
      expect(new Set(layers).size).toBe(layers.length);
    }
  });

  it('draws none from two', () => {
    expect(drawSubsets(ten.slice(0, 2), 5, 0)).toEqual([]);
  });
});
