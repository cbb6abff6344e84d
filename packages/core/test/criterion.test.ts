import { describe, expect, it } from 'vitest';
import { defineCriterion, forEachOfUnit, type SliceView, sumPerUnit, valuesOfUnit, weights } from '../src/index.js';

const slice = (overrides: Partial<SliceView>): SliceView => ({
  tensor: 'w',
  role: 'producer',
  shape: [3, 2],
  axis: 0,
  perUnit: 1,
  indices: Int32Array.of(0, 1, 2),
  ...overrides,
});
const positions = (of: SliceView, unit: number) => {
  const seen: number[] = [];
  forEachOfUnit(of, unit, (element) => seen.push(element));
  return seen;
};
const rows = slice({});
const columns = slice({ tensor: 'v', role: 'consumer', shape: [2, 3], axis: 1 });
const group = { id: 'w:0', kind: 'channel' as const, size: 3, slices: [rows, columns] };
const data: Record<string, Float32Array> = {
  w: Float32Array.of(1, 2, 3, 4, 5, 6),
  v: Float32Array.of(7, 8, 9, 10, 11, 12),
};
const context = { weights: ({ tensor }: SliceView) => data[tensor] };

describe('forEachOfUnit', () => {
  it('visits rows, columns and inner axes', () => {
    expect(positions(rows, 1)).toEqual([2, 3]);
    expect(positions(columns, 1)).toEqual([1, 4]);
    expect(positions(slice({ shape: [2, 3, 2], axis: 1 }), 2)).toEqual([4, 5, 10, 11]);
  });
  it('visits every index that a unit takes', () => {
    expect(positions(slice({ shape: [4], perUnit: 2, indices: Int32Array.of(0, 2, 1, 3) }), 1)).toEqual([1, 3]);
  });
});

it('valuesOfUnit lists a unit’s weights slice after slice', () => {
  expect([...valuesOfUnit({ group, index: 1 }, context)]).toEqual([3, 4, 8, 11]);
});

it('sumPerUnit adds terms in double precision', () => {
  const tiny = 2 ** -30;
  expect([...sumPerUnit(rows, 3, (element) => (element === 0 ? 1 : tiny))]).toEqual([1 + tiny, 2 * tiny, 2 * tiny]);
});

describe('defineCriterion', () => {
  const base = { name: 'mine', apiVersion: 1, defaults: { p: 1 }, units: ['channel'], needs: [weights()] } as const;
  const scoreContext = {
    ...context,
    gradients: context.weights,
    inputNorms: () => undefined,
    outputsWithout: () => ({ distance: 0, lossChange: 0 }),
    random: () => 0,
  };

  it('makes scores of a group from scores of units', () => {
    const sum = defineCriterion<{ p: number }>({
      ...base,
      scoreEach: (unit, { values, options }) => values(unit).reduce((a, b) => a + b ** options.p, 0),
    });
    expect([...sum().score!(group, scoreContext)!]).toEqual([1 + 2 + 7 + 10, 3 + 4 + 8 + 11, 5 + 6 + 9 + 12]);
    expect([...sum({ p: 2 }).score!(group, scoreContext)!][0]).toBe(1 + 4 + 49 + 100);
    expect(sum().scoreTensor).toBeUndefined();
  });
  it('prefers `score`, and hands over the options', () => {
    const score = defineCriterion<{ p: number }>({
      ...base,
      score: ({ size }, { options }) => new Float32Array(size).fill(options.p),
      scoreEach: () => 0,
    });
    expect([...score({ p: 4 }).score!(group, scoreContext)!]).toEqual([4, 4, 4]);
  });
  it('works needs out from options', () => {
    const needy = defineCriterion<{ p: number }>({ ...base, needs: ({ p }) => (p > 1 ? [weights()] : []) });
    expect([needy().needs, needy({ p: 2 }).needs]).toEqual([[], [{ kind: 'weights' }]]);
  });
});
