import { describe, expect, it } from 'vitest';
import { tinyModel } from '../../src/conformance.js';
import { defineSelector, type Model, type PruneOptions, prune, structured } from '../../src/index.js';
import { byPosition } from '../support/criteria.js';

const cutting = (removal: ReadonlyMap<string, readonly number[]>) =>
  defineSelector<object>({ name: 'fixed-choice', apiVersion: 1, defaults: {}, select: () => removal })();
const run = (options: Partial<PruneOptions>, model: Model = tinyModel()) =>
  prune(model, { method: structured({ criterion: byPosition }), ratio: 0.5, ...options });

describe('selectors of plugins', () => {
  const method = (removal: ReadonlyMap<string, readonly number[]>) =>
    structured({ criterion: byPosition, selector: cutting(removal) });
  it('decide what goes', async () => {
    const { outcome, report } = await run({ method: method(new Map([['time.linear_1.weight:0', [5]]])) });
    expect(outcome.removal!.get('time.linear_1.weight:0')).toEqual([5]);
    expect(report.selector).toBe('fixed-choice');
  });
  it('are named when they leave a norm that cannot be shared out', async () => {
    const uneven = run({ method: method(new Map([['conv_in.weight:0', [0]]])) });
    await expect(uneven).rejects.toMatchObject({ code: 'CANNOT_PRUNE', plugin: 'fixed-choice', field: 'block.norm1' });
    const unequal = run({ method: method(new Map([['conv_in.weight:0', [0, 1]]])), normGroups: 'preserve' });
    await expect(unequal).rejects.toMatchObject({ code: 'CANNOT_PRUNE', plugin: 'fixed-choice' });
  });
});

describe('the rule for GroupNorm', () => {
  it('is the caller’s before the method’s', async () => {
    const method = structured({ criterion: byPosition, normGroups: 'torch-pruning' });
    expect((await run({ method })).report.normGroups).toBe('torch-pruning');
    expect((await run({ method, normGroups: 'preserve' })).report.normGroups).toBe('preserve');
  });
  it.each([
    // Eight channels in two norm groups at 0.3: 8 - int(5.6) = 3, one of each goes; int(2.8) = 2 of each stay.
    ['paper', 6],
    ['torch-pruning', 4],
    ['preserve', 6],
  ] as const)('%s keeps %i of eight channels', async (normGroups, kept) => {
    const { report } = await run({ ratio: 0.3, normGroups });
    expect(report.groups.find(({ id }) => id === 'conv_in.weight:0')!.kept).toBe(kept);
  });
});

describe('expressible cuts', () => {
  it('follow the ties that the model states', async () => {
    const model: Model = {
      ...tinyModel(),
      ties: () => ({
        ties: [
          {
            name: 'width',
            steps: 4,
            groups: [
              { id: 'conv_in.weight:0', cells: 2 },
              { id: 'time.linear_2.weight:0', cells: 2 },
            ],
          },
        ],
        fixed: new Map([['time.linear_1.weight:0', 'the class derives it']]),
      }),
    };
    const { report, outcome } = await run({ expressible: true, ratio: 0.3 }, model);
    const kept = Object.fromEntries(report.groups.map((group) => [group.id, group.kept]));
    expect(kept).toMatchObject({ 'conv_in.weight:0': 6, 'time.linear_2.weight:0': 6, 'time.linear_1.weight:0': 6 });
    expect(outcome.leftWhole!.get('time.linear_1.weight:0')).toBe('the class derives it');
    // Ignoring one of the two leaves the other whole as well.
    const ignored = await run({ expressible: true, ratio: 0.3, ignore: ['time.linear_2.*'] }, model);
    expect(ignored.outcome.removal!.size).toBe(0);
    expect(ignored.outcome.leftWhole!.get('conv_in.weight:0')).toMatch(/same share as "time.linear_2.weight:0"/);
  });
});
