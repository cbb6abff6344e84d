import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LayerChoice, LayerItem } from '../../src/selectors/choose-layers.js';
import { cheapestSubset } from '../../src/selectors/exhaustive.js';
import { cheapestCover } from '../../src/selectors/pareto.js';

const item = (id: string, score: number, saving: number, layers: readonly string[] = [id]): LayerItem => {
  return { id, score, saving, layers };
};

const choiceOf = (items: readonly LayerItem[], target: number, layers = 1000): LayerChoice => {
  return { items, target, total: 0, layers };
};

const scoreOf = (items: readonly LayerItem[], chosen: readonly number[]): number =>
  chosen.reduce((sum, at) => sum + items[at].score, 0);

describe('cheapestCover, by hand', () => {
  const three = [item('a', 1, 3), item('b', 2, 4), item('c', 4, 7)];

  it.each([
    // 7: c alone costs 4, a and b cost 3.
    [7, [0, 1]],
    [3, [0]],
    [4, [1]],
    // 8: a and c cost 5, b and c 6.
    [8, [0, 2]],
    [14, [0, 1, 2]],
    [0, []],
  ])('saves %d', (target, expected) => {
    expect(cheapestCover(choiceOf(three, target))).toEqual(expected);
  });

  it('knows when it cannot', () => {
    expect(cheapestCover(choiceOf(three, 14.5))).toBeUndefined();
  });

  it('takes the whole or parts of it, not both', () => {
    const nested = [item('whole', 5, 10, ['a', 'b']), item('a', 1, 4), item('b', 3, 5), item('c', 4, 5)];
    expect(cheapestCover(choiceOf(nested, 9))).toEqual([1, 2]);
    expect(cheapestCover(choiceOf(nested, 10))).toEqual([0]);
    expect(cheapestCover(choiceOf(nested, 14))).toEqual([1, 2, 3]);
    expect(cheapestCover(choiceOf(nested, 15))).toEqual([0, 3]);
    expect(cheapestCover(choiceOf(nested, 19))).toBeUndefined();
  });

  it('leaves a layer', () => {
    expect(cheapestCover(choiceOf(three, 10, 3))).toEqual([0, 2]);
    expect(cheapestCover(choiceOf(three, 12, 3))).toBeUndefined();
  });

  it('refuses items that overlap in part', () => {
    const crossed = [item('x', 1, 1, ['a', 'b']), item('y', 1, 1, ['b', 'c'])];
    expect(() => cheapestCover(choiceOf(crossed, 1))).toThrow(expect.objectContaining({ code: 'CANNOT_PRUNE' }));
  });
});

/** Items, some of which lie in others: groups of up to three layers, with a whole or without. */
const family = fc
  .array(
    fc.record({
      parts: fc.array(fc.record({ score: fc.double({ min: -0.5, max: 4, noNaN: true }), saving: fc.nat(40) }), {
        minLength: 1,
        maxLength: 3,
      }),
      whole: fc.option(fc.record({ score: fc.double({ min: 0, max: 9, noNaN: true }), extra: fc.nat(9) })),
    }),
    { minLength: 1, maxLength: 9 },
  )
  .map((groups) =>
    groups
      .flatMap(({ parts, whole }, g) => {
        const own = parts.map(({ score, saving }, i) => item(`${g}.${i}`, score, saving));
        const saving = own.reduce((sum, one) => sum + one.saving, 0);
        const layers = own.map(({ id }) => id);
        return whole ? [...own, item(`${g}`, whole.score, saving + whole.extra, layers)] : own;
      })
      .slice(0, 20),
  );

describe('cheapestCover', () => {
  it('finds what trying all subsets of up to 20 items finds', () => {
    fc.assert(
      fc.property(family, fc.double({ min: 0, max: 1.1, noNaN: true }), fc.boolean(), (items, share, isAll) => {
        const target = share * items.reduce((sum, { saving }) => sum + saving, 0);
        // With `isAll` the items are all layers there are, and one has to stay.
        const layers = isAll ? new Set(items.flatMap((one) => one.layers)).size : 1000;
        const choice = choiceOf(items, target, layers);
        const [fast, slow] = [cheapestCover(choice), cheapestSubset(choice)];
        expect(fast === undefined).toBe(slow === undefined);
        // Sums are taken in another order.
        if (fast && slow) expect(scoreOf(items, fast)).toBeCloseTo(scoreOf(items, slow), 9);
        if (fast) expect(fast.reduce((sum, at) => sum + items[at].saving, 0)).toBeGreaterThanOrEqual(target);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('of 20 layers of any savings, too', () => {
    const number = fc.double({ min: 0.01, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(number, number), { minLength: 20, maxLength: 20 }), (pairs) => {
        const items = pairs.map(([score, saving], i) => item(`${i}`, score, saving));
        const choice = choiceOf(items, 0.4 * pairs.reduce((sum, [, saving]) => sum + saving, 0));
        const [fast, slow] = [cheapestCover(choice)!, cheapestSubset(choice)!];
        expect(scoreOf(items, fast)).toBeCloseTo(scoreOf(items, slow), 9);
      }),
      { numRuns: 5, seed: 2 },
    );
  });

  it('takes 280 layers in its stride: as many as SDXL has', () => {
    const items = Array.from({ length: 280 }, (_, i) =>
      item(`${i}`, 1 + Math.sin(9 * i) ** 2, 1 + ((i * 7919) % 997) / 91),
    );
    const total = items.reduce((sum, { saving }) => sum + saving, 0);
    const began = performance.now();
    const chosen = cheapestCover(choiceOf(items, total / 2))!;
    expect(performance.now() - began).toBeLessThan(20_000);
    // By value until it is enough is at most one item dearer than a fraction of an item would allow.
    const order = [...items].sort((a, b) => a.score / a.saving - b.score / b.saving);
    let [saved, bound] = [0, 0];
    for (const { score, saving } of order) {
      const part = Math.min(1, Math.max(0, (total / 2 - saved) / saving));
      bound += part * score;
      saved += part * saving;
    }
    expect(scoreOf(items, chosen)).toBeGreaterThanOrEqual(bound - 1e-9);
    expect(scoreOf(items, chosen)).toBeLessThan(bound * 1.001);
  });
});
