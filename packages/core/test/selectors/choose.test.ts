import { describe, expect, it } from 'vitest';
import { planTies } from '../../src/index.js';
import { cutGroups, lowest, meetBudget, unitsByCell } from '../../src/selectors/choose.js';
import { fakeContext, fakeCoupling, fakeGroup, fakeNorm } from '../support/fake-coupling.js';

const cut = (context: ReturnType<typeof fakeContext>, ratio: number) =>
  Object.fromEntries(cutGroups(context, () => ratio));

describe('lowest', () => {
  it('takes the lowest scores, ties by index, and lists them ascending', () => {
    expect(lowest(Float32Array.of(3, 1, 2, 1, 0), [0, 1, 2, 3, 4], 2)).toEqual([1, 4]);
    expect(lowest(Float32Array.of(1, 1, 1), [0, 1, 2], 1)).toEqual([0]);
    expect(lowest(Float32Array.of(1, 0, 0), [0, 2], 1)).toEqual([2]);
  });
});

describe('cutGroups', () => {
  const a = fakeGroup('a', 8);
  const normed = fakeCoupling([a], [fakeNorm('n', 2, [a])]);
  const scores = { a: [8, 7, 6, 5, 4, 3, 2, 1] };

  it('takes the lowest of every cell, not the lowest of all', () => {
    const context = fakeContext(normed, scores);
    expect(unitsByCell(context.plan.cells.get('a')!)).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ]);
    // n_prune = 4, two of each norm group.
    expect(cut(context, 0.5)).toEqual({ a: [2, 3, 6, 7] });
    expect(cut(fakeContext(fakeCoupling([a]), scores), 0.5)).toEqual({ a: [4, 5, 6, 7] });
  });
  it('rounds what stays up to a multiple, or keeps the group whole', () => {
    const plain = fakeCoupling([a]);
    const keptAt = (roundTo: number, ratio: number, coupling = plain) =>
      8 - cut(fakeContext(coupling, scores, { roundTo }), ratio).a.length;
    expect([keptAt(4, 0.3), keptAt(4, 0.5), keptAt(3, 0.5), keptAt(16, 0.5)]).toEqual([8, 4, 6, 8]);
    // Two cells keep 3 of 4 each: 6, and with a multiple of 4 all 8.
    expect([keptAt(2, 0.3, normed), keptAt(4, 0.3, normed)]).toEqual([6, 8]);
  });
  it('never takes more than maxRatio, though the rules round up', () => {
    // int(10 * 0.75) = 7 would take 3 of 10.
    const ten = fakeCoupling([fakeGroup('a', 10)]);
    const tens = { a: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] };
    expect(cut(fakeContext(ten, tens, { maxRatio: 0.25 }), 0.9)).toEqual({ a: [0, 1] });
    expect(cut(fakeContext(normed, scores, { maxRatio: 0.25 }, 'torch-pruning'), 0.9)).toEqual({ a: [3, 7] });
  });
  it('takes ratios of groups before the common one', () => {
    const two = fakeCoupling([fakeGroup('a', 4), fakeGroup('b', 4)]);
    const context = fakeContext(two, { a: [1, 2, 3, 4], b: [1, 2, 3, 4] }, { ratios: { b: 0.25 } });
    expect(cut(context, 0.5)).toEqual({ a: [0, 1], b: [0] });
  });
  it('keeps the share of groups that meet in a norm equal, also when rounding and with ratios of some', () => {
    const [c, d] = [fakeGroup('c', 12), fakeGroup('d', 6)];
    const meeting = fakeCoupling([c, d], [fakeNorm('n', 3, [c, d])]);
    const ranked = { c: Array.from({ length: 12 }, (_, i) => i), d: [0, 1, 2, 3, 4, 5] };
    const context = (overrides: object) => fakeContext(meeting, ranked, overrides, 'preserve');
    // Cells of 6, 6 and 6 in steps of one sixth; c keeps twice what d keeps.
    expect(cut(context({}), 0.5)).toEqual({ c: [0, 1, 2, 6, 7, 8], d: [0, 1, 2] });
    expect(cut(context({ roundTo: 4 }), 0.5)).toEqual({ c: [0, 1, 6, 7], d: [0, 1] });
    expect(cut(context({ ratios: { d: 0.2 } }), 0.5)).toEqual({ c: [0, 6], d: [0] });
  });
  it('cuts tied widths in their steps', () => {
    const [c, d] = [fakeGroup('c', 8), fakeGroup('d', 4)];
    const coupling = fakeCoupling([c, d]);
    const tie = {
      name: 'stage 1',
      steps: 2,
      groups: [
        { id: 'c', cells: 2 },
        { id: 'd', cells: 1 },
      ],
    };
    const plan = planTies(coupling, { ties: [tie], fixed: new Map() });
    const context = fakeContext(coupling, { c: [1, 2, 3, 4, 5, 6, 7, 8], d: [4, 3, 2, 1] }, { plan });
    expect(cut(context, 0.6)).toEqual({ c: [0, 1, 4, 5], d: [2, 3] });
    expect(cut(context, 0.4)).toEqual({ c: [], d: [] });
  });
});

describe('meetBudget', () => {
  const coupling = fakeCoupling([fakeGroup('a', 100)]);
  const scores = { a: Array.from({ length: 100 }, (_, i) => i) };
  const met = async (budget: Parameters<typeof fakeContext>[2]) => {
    const context = fakeContext(coupling, scores, budget);
    return meetBudget(context, (level) => cutGroups(context, () => level));
  };

  it.each(['macs', 'params', 'bytes'] as const)('meets %s within one unit, from above', async (kind) => {
    for (const remaining of [0.9, 0.56, 0.333, 0.011]) {
      const removal = await met({ budget: { kind, remaining } });
      expect(100 - removal.get('a')!.length).toBe(Math.floor(remaining * 100));
    }
  });
  it('meets a latency', async () => {
    const latency = async (removal: ReadonlyMap<string, readonly number[]>) =>
      5 + (100 - (removal.get('a')?.length ?? 0)) / 10;
    // 15 ms before; 9 ms are met by 40 units. Seven halvings reach 1/128 of the levels: within one unit.
    const removal = await met({ budget: { kind: 'latency', remaining: 0.6 }, latency });
    expect(await latency(removal)).toBeLessThanOrEqual(9);
    expect(removal.get('a')!.length).toBeLessThanOrEqual(61);
  });
  it('leaves all at 1', async () => expect((await met({ budget: { kind: 'params', remaining: 1 } })).size).toBe(0));
  it('refuses what cannot be met and says what can', async () => {
    const bounded = met({ budget: { kind: 'params', remaining: 0.2 }, maxRatio: 0.5 });
    await expect(bounded).rejects.toMatchObject({ code: 'CANNOT_PRUNE', message: expect.stringContaining('0.500') });
  });
  it('refuses a latency without an engine', async () => {
    await expect(met({ budget: { kind: 'latency', remaining: 0.5 } })).rejects.toMatchObject({ code: 'MISSING_NEED' });
  });
});
