import { describe, expect, it } from 'vitest';
import { aggregate, combine, type GroupView, lamp, normalizations, normalizeScores } from '../src/index.js';

const group: GroupView = {
  id: 'g',
  kind: 'channel',
  size: 2,
  slices: [
    // weight [2, 3]: rows are units
    { tensor: 'w', role: 'producer', shape: [2, 3], axis: 0, perUnit: 1, indices: Int32Array.of(0, 1) },
    // reader [2, 4]: unit u has columns u and u + 2
    { tensor: 'r', role: 'consumer', shape: [2, 4], axis: 1, perUnit: 2, indices: Int32Array.of(0, 2, 1, 3) },
    { tensor: 'b', role: 'bias', shape: [2], axis: 0, perUnit: 1, indices: Int32Array.of(0, 1) },
  ],
};
const values: Record<string, number[]> = { w: [1, 2, 3, 4, 5, 6], r: [1, 10, 100, 1000, 2, 20, 200, 2000], b: [7, 8] };
const term =
  ({ tensor }: { tensor: string }) =>
  (element: number) =>
    values[tensor][element];

describe('aggregate', () => {
  it('sums per tensor and unit, then over tensors', () => {
    const scores = aggregate(group, term, { reduce: 'sum', normalize: 'none', terms: 'all' });
    // unit 0: w 1+2+3, r 1+100+2+200, b 7; unit 1: w 4+5+6, r 10+1000+20+2000, b 8
    expect(Array.from(scores!)).toEqual([316, 3053]);
  });
  it('leaves biases out when only weights count', () => {
    expect(Array.from(aggregate(group, term, { reduce: 'max', normalize: 'none', terms: 'weights' })!)).toEqual([
      303, 3030,
    ]);
  });
  it('has nothing to say about a group none of whose slices count', () => {
    expect(aggregate(group, () => undefined, { reduce: 'sum', normalize: 'none', terms: 'all' })).toBeUndefined();
  });
});

describe('combine', () => {
  const parts = [Float64Array.of(1, 2), Float64Array.of(3, 5)];
  it.each([
    ['sum', [4, 7]],
    ['mean', [2, 3.5]],
    ['max', [3, 5]],
    ['prod', [3, 10]],
    ['first', [1, 2]],
  ] as const)('reduces by %s', (reduce, expected) => {
    expect(Array.from(combine(parts, reduce, 'none')!)).toEqual(expected);
  });
});

describe('normalizeScores', () => {
  const scores = Float64Array.of(1, 2, 5);
  const expected: Record<string, number[]> = {
    none: [1, 2, 5],
    sum: [1 / 8, 2 / 8, 5 / 8],
    mean: [3 / 8, 6 / 8, 15 / 8],
    max: [0.2, 0.4, 1],
    standardize: [0, 0.25, 1],
    // mean 8/3, variance ((5/3)² + (2/3)² + (7/3)²) / 3 = 26/9
    gaussian: [-5, -2, 7].map((value) => value / Math.sqrt(26)),
    sentinel: [0.5, 1, 2.5],
    lamp: [1 / 8, 2 / 7, 1],
  };
  it.each(normalizations)('by %s', (normalize) => {
    for (const [i, value] of normalizeScores(scores, normalize).entries()) {
      expect(value).toBeCloseTo(expected[normalize][i], 12);
    }
  });
  it.each(normalizations)('by %s keeps zeros finite', (normalize) => {
    expect(normalizeScores(new Float64Array(3), normalize).every(Number.isFinite)).toBe(true);
  });
});

describe('lamp', () => {
  it('takes equal scores in order of index', () => expect(Array.from(lamp(Float64Array.of(1, 1)))).toEqual([0.5, 1]));
});
