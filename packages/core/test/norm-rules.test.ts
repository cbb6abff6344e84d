import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keptInCell, type NormGroupRule, normGroupRules, parseNormGroupRule, planCells } from '../src/index.js';
import { checkNorms, dropBrokenComponents } from '../src/norm-rules.js';
import { fakeCoupling, fakeGroup, fakeNorm } from './support/fake-coupling.js';

/** Channels that stay of one group under one GroupNorm of `normGroups`; none for 0. */
function kept(rule: NormGroupRule, channels: number, normGroups: number, ratio: number): number {
  const group = fakeGroup('a', channels);
  const norms = normGroups > 0 ? [fakeNorm('norm', normGroups, [group])] : [];
  const cells = planCells(fakeCoupling([group], norms), rule).cells.get('a')!;
  return cells.sizes.reduce((sum, _, cell) => sum + keptInCell(rule, cells, cell, ratio), 0);
}

describe('keptInCell', () => {
  it.each([
    // n_prune = C - int(0.7 C): 77 -> 2, 39 -> 1 and 154 -> 4 of each of 32 norm groups.
    ['paper', 256, 32, 192],
    ['paper', 128, 32, 96],
    ['paper', 512, 32, 384],
    // int(0.7 * 8) = 5, int(0.7 * 4) = 2, int(0.7 * 16) = 11 of each stay.
    ['torch-pruning', 256, 32, 160],
    ['torch-pruning', 128, 32, 64],
    ['torch-pruning', 512, 32, 352],
    // Whole channels of each: floor(0.3 * 8) = 2, floor(0.3 * 4) = 1, floor(0.3 * 16) = 4 go.
    ['preserve', 256, 32, 192],
    ['preserve', 128, 32, 96],
    ['preserve', 512, 32, 384],
    ['paper', 512, 0, 358],
    ['paper', 256, 0, 179],
    ['torch-pruning', 256, 0, 179],
    ['preserve', 256, 0, 179],
  ] as const)('%s keeps of %i channels in %i norm groups %i', (rule, channels, normGroups, expected) => {
    expect(kept(rule, channels, normGroups, 0.3)).toBe(expected);
  });

  it('keeps a multiple of the norm groups, at least one each, and never more as the ratio grows', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...normGroupRules),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 16 }),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        (rule, normGroups, size, a, b) => {
          const [less, more] = [Math.min(a, b), Math.max(a, b)];
          // With one channel in every norm group `preserve` has no step to cut in.
          fc.pre(rule !== 'preserve' || size > 1);
          const [many, few] = [less, more].map((ratio) => kept(rule, normGroups * size, normGroups, ratio));
          expect(many % normGroups).toBe(0);
          expect(few).toBeGreaterThanOrEqual(normGroups);
          expect(few).toBeLessThanOrEqual(many);
          expect(kept(rule, normGroups * size, normGroups, 0)).toBe(normGroups * size);
        },
      ),
      { seed: 1, numRuns: 300 },
    );
  });
});

describe('planCells, re-forming', () => {
  it('cuts a group in as many cells as all norms over it ask for', () => {
    const a = fakeGroup('a', 12);
    const plan = planCells(fakeCoupling([a], [fakeNorm('n', 2, [a]), fakeNorm('m', 3, [a])]), 'paper');
    expect(plan.cells.get('a')).toMatchObject({ sizes: [2, 2, 2, 2, 2, 2], normed: true });
    expect([...plan.cells.get('a')!.cellOf]).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
  });
  it('leaves a group whole that the norm groups do not divide', () => {
    const [a, b] = [fakeGroup('a', 6), fakeGroup('b', 10)];
    const plan = planCells(fakeCoupling([a, b], [fakeNorm('n', 4, [a, b])]), 'paper');
    expect(plan.cells.size).toBe(0);
    expect(plan.leftWhole.get('a')).toMatch(/6 channels .* 4 norm groups/);
  });
});

describe('planCells, preserve', () => {
  it('makes cells of units that share all their norm groups, over a concatenation that straddles', () => {
    // Norm groups of the concatenation [a 8 | b 4]: channels 0-5 and 6-11, so that the second holds 2 of a and all of b.
    const [a, b] = [fakeGroup('a', 8), fakeGroup('b', 4)];
    const plan = planCells(fakeCoupling([a, b], [fakeNorm('n', 2, [a, b])]), 'preserve');
    expect(plan.cells.get('a')).toMatchObject({ sizes: [6, 2], steps: 2, normed: true });
    expect(plan.cells.get('b')).toMatchObject({ sizes: [4], steps: 2, normed: true });
    expect(plan.cells.get('a')!.component).toBe(plan.cells.get('b')!.component);
    // Half of every cell: 3 + 1 and 2, so that both norm groups keep 3.
    const half = (id: string, cell: number) => keptInCell('preserve', plan.cells.get(id)!, cell, 0.5);
    expect([half('a', 0), half('a', 1), half('b', 0)]).toEqual([3, 1, 2]);
  });
  it('leaves groups whole where no equal cut comes out whole', () => {
    // [a 8 | b 7] in three norm groups of 5: a falls in 5 + 3, b in 2 + 5, which have no common step.
    const [a, b] = [fakeGroup('a', 8), fakeGroup('b', 7)];
    const plan = planCells(fakeCoupling([a, b], [fakeNorm('n', 3, [a, b])]), 'preserve');
    expect(plan.cells.size).toBe(0);
    for (const id of ['a', 'b']) expect(plan.leftWhole.get(id)).toMatch(/straddle/);
  });
  it('leaves groups whole that share a norm with channels that cannot be cut', () => {
    const a = fakeGroup('a', 4);
    const plan = planCells(fakeCoupling([a], [fakeNorm('n', 2, [a, 4])]), 'preserve');
    expect(plan.leftWhole.get('a')).toMatch(/cannot be cut/);
  });
});

describe('dropBrokenComponents', () => {
  it('leaves out what must keep the share of a group that is left whole', () => {
    const [a, b, c] = [fakeGroup('a', 8), fakeGroup('b', 4), fakeGroup('c', 4)];
    const plan = planCells(fakeCoupling([a, b, c], [fakeNorm('n', 2, [a, b])]), 'preserve');
    const leftWhole = new Map([['a', 'ignored by "a"']]);
    expect(dropBrokenComponents(plan, [b, c], leftWhole)).toEqual([c]);
    expect(leftWhole.get('b')).toBe('it must keep the same share as "a", which is left whole');
  });
  it('lets every group go its own way under a re-forming rule', () => {
    const [a, b] = [fakeGroup('a', 8), fakeGroup('b', 4)];
    const plan = planCells(fakeCoupling([a, b], [fakeNorm('n', 2, [a, b])]), 'paper');
    expect(dropBrokenComponents(plan, [b], new Map([['a', 'ignored']]))).toEqual([b]);
  });
});

describe('checkNorms', () => {
  const a = fakeGroup('a', 8);
  const coupling = fakeCoupling([a], [fakeNorm('norm1', 2, [a])]);
  it('takes a cut that the norm groups can share', () => {
    expect(checkNorms(coupling, new Map([['a', [0, 1]]]), 'paper', 'mine')).toBeUndefined();
    expect(checkNorms(coupling, new Map([['a', [0, 4]]]), 'preserve', 'mine')).toBeUndefined();
  });
  it.each([
    [[0], 'paper', /norm1 would keep 7 channels, which 2 norm groups/],
    [[0, 1, 2, 3, 4, 5, 6, 7], 'paper', /norm1 would keep 0 channels/],
    [[0, 1], 'preserve', /norm1 would keep between 2 and 4 channels/],
  ] as const)('refuses removing %j with %s and names the selector', (units, rule, message) => {
    expect(() => checkNorms(coupling, new Map([['a', [...units]]]), rule, 'mine')).toThrowError(
      expect.objectContaining({ code: 'CANNOT_PRUNE', plugin: 'mine', message: expect.stringMatching(message) }),
    );
  });
});

describe('parseNormGroupRule', () => {
  it('reads every rule', () => expect(normGroupRules.map(parseNormGroupRule)).toEqual([...normGroupRules]));
  it('refuses another', () => {
    expect(() => parseNormGroupRule('none')).toThrowError(expect.objectContaining({ code: 'BAD_OPTION' }));
  });
});
