import { type Coupling, couple, sizeOf } from '@secateur/graph';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Criterion } from '../criterion.js';
import type { PluginFactory } from '../plugin.js';
import { chooseElements, listWeightTensors } from '../score-elements.js';
import { loadWeights, scoreUnits } from '../score-units.js';
import { groupsOfKinds } from '../space.js';
import type { OutputsWithout, Statistics } from '../statistics/statistics.js';
import { codeOf } from './suite.js';
import { seededValues, tinyModel } from './tiny-model.js';

export interface CriterionSuiteOptions<Options> {
  /** Option sets to run the suite with, besides the defaults. */
  readonly variants?: readonly Partial<Options>[];
}

/** The behaviours every criterion must show. Call it at the top level of a vitest file. */
export function testCriterion<Options extends object>(
  factory: PluginFactory<Criterion, Options>,
  options: CriterionSuiteOptions<Options> = {},
): void {
  describe(`criterion ${factory.pluginName} conforms`, () => {
    const model = tinyModel();
    let coupling: Coupling;
    beforeAll(() => {
      coupling = couple(model.graph);
    });
    const choose = (criterion: Criterion) =>
      chooseElements({
        graph: model.graph,
        criterion,
        tensors: listWeightTensors(coupling),
        pattern: { kind: 'elements' },
        ratio: 0.5,
        scope: 'global',
        statistics: statisticsFor(criterion, coupling),
        seed: 7,
      });
    const variants: (Partial<Options> | undefined)[] = [undefined, ...(options.variants ?? [])];
    describe.each(variants.map((variant) => ({ variant, label: JSON.stringify(variant ?? {}) })))(
      'with options $label',
      ({ variant }) => {
        const criterion = factory(variant);

        it('scores units or elements', () => {
          expect(Boolean(criterion.score) || Boolean(criterion.scoreTensor)).toBe(true);
        });
        it.runIf(criterion.score)(
          'gives one finite score a unit, the same each time, and changes no weights',
          async () => {
            const groups = groupsOfKinds(coupling, criterion.units);
            expect(groups.length).toBeGreaterThan(0);
            const run = async () => {
              const weights = await loadWeights(model.graph, model.graph.constants.keys());
              const before = new Map([...weights].map(([name, data]) => [name, data.slice()]));
              const scores = scoreUnits(criterion, coupling, groups, weights, statisticsFor(criterion, coupling), 7);
              for (const [name, data] of weights) expect(data, `${name} was changed`).toEqual(before.get(name));
              return scores;
            };
            const first = await run();
            expect(first.size).toBeGreaterThan(0);
            for (const group of groups) expect(first.get(group.id)?.length ?? group.size).toBe(group.size);
            expect(await run()).toEqual(first);
          },
        );
        it.runIf(criterion.scoreTensor)('gives one finite score an element, the same each time', async () => {
          const masks = await choose(criterion);
          expect(masks.size).toBe(listWeightTensors(coupling).length);
          expect(await choose(criterion)).toEqual(masks);
        });
        it.runIf(criterion.ranksByMagnitude)('ranks elements by magnitude, as it says', async () => {
          expect(await choose({ ...criterion, ranksByMagnitude: false })).toEqual(await choose(criterion));
        });
        it('keeps its options through JSON', () => {
          const again = factory(JSON.parse(JSON.stringify(criterion.options)) as Partial<Options>);
          expect(again.options).toEqual(criterion.options);
        });
      },
    );

    it('refuses an unknown option by name', () => {
      const wrong = { 'no-such-option': 1 } as unknown as Partial<Options>;
      expect(codeOf(() => factory(wrong))).toBe('BAD_OPTION');
    });
  });
}

/** Seeded stand-ins for what the criterion declares, and nothing else: reading more fails with MISSING_NEED. */
function statisticsFor(criterion: Criterion, coupling: Coupling): Statistics {
  const { constants } = coupling.flow.graph;
  const kinds = new Set(criterion.needs.map((need) => need.kind));
  const gradients = new Map(
    [...constants]
      .filter(([, { parameter }]) => parameter)
      .map(([name, { shape }], i) => [name, seededValues(500 + i, sizeOf(shape)).map(Math.abs)]),
  );
  const inputNorms = new Map(
    coupling.flow.constantAxes.flatMap(({ value, axis, reads }, i) =>
      reads
        ? [[value, { axis, norms: seededValues(900 + i, constants.get(value)!.shape[axis]).map(Math.abs) }] as const]
        : [],
    ),
  );
  return {
    losses: [],
    ...(kinds.has('gradients') ? { gradients } : {}),
    ...(kinds.has('activations') ? { inputNorms } : {}),
    ...(kinds.has('outputs-without') ? { outputsWithout: withoutEach(coupling) } : {}),
  };
}

function withoutEach({ depth }: Coupling): OutputsWithout {
  const [distances, changes] = [seededValues(700, depth.length).map(Math.abs), seededValues(701, depth.length)];
  const units = new Map(depth.map(({ id }, i) => [id, { distance: distances[i], lossChange: changes[i] }]));
  return { meanSquare: 1, loss: 1, units, subsets: [] };
}
