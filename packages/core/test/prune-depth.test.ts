import { couple, removeUnits } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import {
  blocks,
  depthCosts,
  globalRanking,
  isomorphicRanking,
  layers,
  type PruneOptions,
  parseBudget,
  prune,
  removalOfManifest,
  removing,
  type Selector,
  structured,
  sumPerUnit,
} from '../src/index.js';
import { criterionWith } from './support/criteria.js';
import { deepModel } from './support/deep-model.js';

/** Mean of the weights: 1, 2, 3, 4 for the branches, 5 for `up`. */
const byMean = criterionWith({
  name: 'by-mean',
  units: ['channel', 'layer', 'block'],
  score: ({ slices, size }, { weights }) => {
    const sums = slices.map((slice) => [sumPerUnit(slice, size, (i) => weights(slice)[i])[0], weights(slice).length]);
    const [sum, count] = sums.reduce(([a, b], [c, d]) => [a + c, b + d]);
    return Float32Array.from({ length: size }, () => sum / count);
  },
});

async function run(options: Partial<PruneOptions>, selector?: Selector) {
  const method = structured({ criterion: byMean, selector, space: layers });
  const result = await prune(deepModel(), { method, ...options });
  return {
    ...result,
    removed: [...(result.outcome.removal ?? [])].flatMap(([id, units]) => (units.length > 0 ? [id] : [])),
  };
}

describe('prune layers', () => {
  it.each([
    [0.1, []],
    [0.2, ['blocks.0.a']],
    [0.6, ['blocks.0.a', 'blocks.0.b', 'blocks.1.a']],
  ])('takes the lowest of all, at a ratio of %d', async (ratio, expected) => {
    expect((await run({ ratio })).removed).toEqual(expected);
    expect((await run({ ratio }, globalRanking())).removed).toEqual(expected);
  });

  it('never takes the last', async () => {
    expect((await run({ ratio: 0.999 })).removed).toHaveLength(4);
    expect((await run({ ratio: 0.999, space: blocks })).removed).toEqual(['blocks.0']);
    expect((await run({ ratio: 0.999, maxRatio: 0.4 })).removed).toHaveLength(2);
  });

  it('takes the same share of layers alike: two are of two hidden channels, two of three', async () => {
    expect((await run({ ratio: 0.5 }, isomorphicRanking())).removed).toEqual(['blocks.0.a', 'blocks.1.a']);
  });

  it('meets a budget with as few as it takes', async () => {
    const { removed, report } = await run({ budget: parseBudget('params=0.8') });
    // 68 parameters; without the first branch 60, which is above 0.8 · 68; without two 52.
    expect([removed.length, report.after.parameters, report.before.parameters]).toEqual([2, 52, 68]);
    await expect(run({ budget: parseBudget('params=0.1') })).rejects.toMatchObject({ code: 'CANNOT_PRUNE' });
  });

  it('leaves a shortcut, or the input without its skip', async () => {
    const high = structured({
      criterion: criterionWith({ units: ['layer'], score: ({ id }) => Float32Array.of(id.startsWith('up') ? 0 : 1) }),
      space: layers,
    });
    const shortcut = await prune(deepModel(), { method: high, ratio: 0.2 });
    const pass = await prune(deepModel(), { method: high, ratio: 0.2, treatment: 'pass' });
    expect([shortcut, pass].map(({ manifest }) => manifest.removed)).toEqual([
      { up: [[0, 1]] },
      { 'up:pass': [[0, 1]] },
    ]);
    expect([shortcut, pass].map(({ model }) => model.graph.constants.has('up.shortcut.weight'))).toEqual([true, false]);
    await expect(prune(deepModel(), { method: high, ratio: 0.2, treatment: 'none' as never })).rejects.toMatchObject({
      code: 'BAD_OPTION',
      field: 'treatment',
    });
  });

  it('says what went, and can be replayed', async () => {
    const { report, manifest, model } = await run({ ratio: 0.4, ignore: ['blocks.0.a.*'] });
    const deep = report.groups.filter(({ kind }) => kind === 'layer');
    expect(deep.map(({ id, kept, size, scores }) => [id, kept, size, scores])).toEqual([
      ['blocks.0.a', 1, 1, undefined],
      ['blocks.0.b', 0, 1, [2]],
      ['blocks.1.a', 1, 1, [3]],
      ['blocks.1.b', 1, 1, [4]],
      ['up', 1, 1, [5]],
    ]);
    expect(report.notPruned).toContainEqual({
      tensor: 'blocks.0.a.in.weight',
      axis: null,
      reason: 'group left whole: ignored by "blocks.0.a.*"',
    });
    expect(report.normGroups).toBeUndefined();
    const replayed = removeUnits(couple(deepModel().graph), removalOfManifest(JSON.parse(JSON.stringify(manifest))));
    expect(replayed.graph.nodes).toEqual(model.graph.nodes);
  });

  it('refuses settings about widths', async () => {
    await expect(run({ ratio: 0.2, roundTo: 2 })).rejects.toMatchObject({ code: 'BAD_OPTION', field: 'roundTo' });
    await expect(run({ ratio: 0.2, ratios: { 'up.*': 0.5 } })).rejects.toMatchObject({ field: 'ratios' });
  });

  it('scores layers only by criteria that say so, and channels by those that do', async () => {
    const method = structured({
      criterion: criterionWith({ name: 'narrow', score: ({ size }) => new Float32Array(size) }),
      space: layers,
    });
    await expect(prune(deepModel(), { method, ratio: 0.2 })).rejects.toThrow(
      /"narrow" does not score units of kind layer/,
    );
  });
});

describe('removing', () => {
  const remove = (units: string[], treatment?: 'shortcut' | 'pass') =>
    prune(deepModel(), { method: removing({ units, treatment }) });

  it('removes what is named, with no ratio', async () => {
    const { manifest, report } = await remove(['blocks.*.a', 'up:pass']);
    expect(Object.keys(manifest.removed)).toEqual(['blocks.0.a', 'blocks.1.a', 'up:pass']);
    expect(manifest.method).toMatchObject({ name: 'remove', options: { units: ['blocks.*.a', 'up:pass'] } });
    expect(report.after.parameters).toBe(68 - 8 - 12 - 20);
  });

  it('applies a treatment where there is a choice', async () => {
    expect(Object.keys((await remove(['up', 'blocks.0'], 'pass')).manifest.removed)).toEqual(['up:pass', 'blocks.0']);
  });

  it('refuses a name that is nothing', async () => {
    await expect(remove(['blocks.7'])).rejects.toMatchObject({ code: 'BAD_OPTION', field: 'remove' });
  });
});

describe('depthCosts', () => {
  it('says what every unit saves: weights of 1 x 1 convolutions, each used at 16 places', () => {
    const model = deepModel();
    const coupling = couple(model.graph);
    const costs = depthCosts(model, coupling);
    const of = (parameters: number) => ({ parameters, macs: 16 * parameters, attentionMacs: 0, bytes: 4 * parameters });
    expect(Object.fromEntries(costs)).toEqual({
      'blocks.0.a': of(8),
      'blocks.0.b': of(8),
      'blocks.1.a': of(12),
      'blocks.1.b': of(12),
      up: of(12),
      'up:pass': of(20),
      'blocks.0': of(16),
      'blocks.1': of(24),
    });
  });
});
