import { couple, type Removal } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import {
  depthCosts,
  exhaustive,
  greedy,
  knapsack,
  parseBudget,
  type SelectContext,
  type Selector,
} from '../../src/index.js';
import { deepModel } from '../support/deep-model.js';
import { fakeContext, fakeCoupling, fakeGroup } from '../support/fake-coupling.js';

const model = deepModel();
const coupling = couple(model.graph);
const layers = coupling.depth.filter(({ kind, treatment }) => kind === 'layer' && treatment !== 'pass');

/** Of 68 parameters `a` and `b` of the first block are 8 each, those of the second 12 each, `up` 12. */
const scores = { 'blocks.0.a': [1], 'blocks.0.b': [5], 'blocks.1.a': [4], 'blocks.1.b': [4.5], up: [9] };

type Context = Omit<SelectContext<object>, 'options'>;

const contextWith = (overrides: Partial<Context>): Context =>
  fakeContext(coupling, scores, {
    groups: layers,
    before: { parameters: 68, macs: 1000, attentionMacs: 0, bytes: 272 },
    savings: (units) => depthCosts(model, coupling, units),
    plan: { cells: new Map(), leftWhole: new Map() },
    ...overrides,
  });

const choose = async (selector: Selector, overrides: Partial<Context>): Promise<string[]> => [
  ...(await selector.select(contextWith(overrides))).keys(),
];

describe('selectors of whole layers', () => {
  it.each([
    // 0.3 of 68 is 20.4: the first and `blocks.1.a` save 20, so 24 of the second block it is, at 8.5; greedy has taken the
    // first already.
    ['knapsack', knapsack(), ['blocks.1.a', 'blocks.1.b']],
    ['exhaustive', exhaustive(), ['blocks.1.a', 'blocks.1.b']],
    ['greedy by value', greedy(), ['blocks.0.a', 'blocks.1.a', 'blocks.1.b']],
    ['greedy by score', greedy({ by: 'score' }), ['blocks.0.a', 'blocks.1.a', 'blocks.1.b']],
  ] as const)('%s: a ratio is one of the parameters', async (_, selector, expected) => {
    expect(await choose(selector, { budget: { kind: 'ratio', ratio: 0.3 } })).toEqual(expected);
  });

  it('greedy goes by value or by score', async () => {
    const budget = parseBudget('params=0.9');
    const other = new Map(
      [...Object.entries({ ...scores, 'blocks.0.a': [3], up: [3.5] })].map(([id, [s]]) => [id, Float32Array.of(s)]),
    );
    // 3 for 8 or 3.5 for 12.
    expect(await choose(greedy({ by: 'score' }), { budget, scores: other })).toEqual(['blocks.0.a']);
    expect(await choose(greedy(), { budget, scores: other })).toEqual(['up']);
  });

  it.each([
    ['params=0.9', ['blocks.0.a']],
    // Layers of the first block take 128 multiply-adds of the 1,000 that there are said to be, others 192.
    ['macs=0.87', ['blocks.1.a']],
    ['bytes=0.9', ['blocks.0.a']],
    ['params=1', []],
  ])('knapsack meets %s', async (text, expected) => {
    expect(await choose(knapsack(), { budget: parseBudget(text) })).toEqual(expected);
  });

  it('say what can be reached', async () => {
    const refused = choose(knapsack(), { budget: parseBudget('params=0.2') });
    // Of five layers one has to stay: the smallest.
    await expect(refused).rejects.toMatchObject({
      code: 'CANNOT_PRUNE',
      message: `The largest possible cut leaves params=${(1 - 44 / 68).toFixed(3)}; 0.2 was asked for.`,
    });
    await expect(choose(knapsack(), { budget: { kind: 'ratio', ratio: 0.8 } })).rejects.toThrow(
      /params=0.353; 0.2 was/,
    );
  });

  it('measure what layers take, and what is left of all', async () => {
    const asked: string[][] = [];
    const milliseconds: Record<string, number> = {
      'blocks.0.a': 10,
      'blocks.0.b': 20,
      'blocks.1.a': 12,
      'blocks.1.b': 30,
      up: 5,
    };
    const latency = async (removal: Removal) => {
      asked.push([...removal.keys()]);
      const saved = [...removal.keys()].reduce((sum, id) => sum + milliseconds[id], 0);
      // Two that go together save less than each by itself.
      return 100 - saved + (removal.size > 1 ? 4 : 0);
    };
    const dearer = new Map(
      Object.entries({ ...scores, 'blocks.1.b': [5.5] }).map(([id, s]) => [id, Float32Array.from(s)]),
    );
    const chosen = await choose(knapsack(), { budget: parseBudget('latency=0.78'), latency, scores: dearer });
    // 22 are to go: the first and `blocks.1.a` would do, but leave 82; 26 must go by the table.
    expect(asked.slice(6)).toEqual([['blocks.0.a', 'blocks.1.a'], ['blocks.1.b']]);
    expect(chosen).toEqual(['blocks.1.b']);
    await expect(choose(knapsack(), { budget: parseBudget('latency=0.1'), latency })).rejects.toThrow(
      /leaves latency=0.280/,
    );
    await expect(choose(knapsack(), { budget: parseBudget('latency=0.7') })).rejects.toMatchObject({
      code: 'MISSING_NEED',
    });
  });

  it.each([
    ['roundTo', { roundTo: 2 }],
    ['maxRatio', { maxRatio: 0.5 }],
  ])('refuse %s', async (field, overrides) => {
    await expect(choose(knapsack(), overrides)).rejects.toMatchObject({ code: 'BAD_OPTION', field });
  });

  it('refuse parts of layers, and more subsets than can be tried', async () => {
    const narrow = fakeContext(fakeCoupling([fakeGroup('a', 4)]), { a: [1, 2, 3, 4] });
    await expect(knapsack().select(narrow)).rejects.toMatchObject({ code: 'BAD_OPTION', plugin: 'knapsack' });
    const many = Array.from({ length: 21 }, (_, i) => ({ ...layers[0], id: `l${i}`, layers: [`l${i}`] }));
    const scored = new Map(many.map(({ id }) => [id, Float32Array.of(1)]));
    const savings = () => new Map(many.map(({ id }) => [id, { parameters: 1, macs: 1, attentionMacs: 0, bytes: 1 }]));
    await expect(choose(exhaustive(), { groups: many, scores: scored, savings })).rejects.toMatchObject({
      field: 'selector',
    });
  });
});
