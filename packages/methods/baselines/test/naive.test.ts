import { seededIntegers, seededRandom } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { magnitude, obd, taylor, wanda } from '../src/index.js';
import { naiveScores, scoreOf, type TinySlice } from './tiny-group.js';

/** A group of random slices: ranks 1 to 4, any axis, one or two indices a unit in any order. */
function randomGroup(seed: number): { size: number; slices: TinySlice[] } {
  const [size, count] = seededIntegers(seed, 2, 2, 5);
  const slices = Array.from({ length: count }, (_, k): TinySlice => {
    const draw = seededRandom(seed * 100 + k);
    const perUnit = draw() < 0.5 ? 1 : 2;
    const rank = 1 + Math.floor(draw() * 4);
    const axis = Math.floor(draw() * rank);
    const shape = Array.from({ length: rank }, (__, i) =>
      i === axis ? size * perUnit + Math.floor(draw() * 2) : 1 + Math.floor(draw() * 3),
    );
    const values = (low: number) =>
      Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => Math.fround(low + (1 - low) * draw()));
    const order = Array.from({ length: shape[axis] }, (__, i) => i).sort(
      (a, b) => Math.sin(seed + a * 7) - Math.sin(seed + b * 7),
    );
    const inAxis = Math.floor(draw() * rank);
    const norms = Array.from({ length: shape[inAxis] }, () => Math.fround(draw()));
    return {
      tensor: `t${k}`,
      role: k === 0 ? 'producer' : 'consumer',
      shape,
      axis,
      perUnit,
      indices: order.slice(0, size * perUnit),
      weights: values(-1),
      gradients: values(-1),
      inputNorms: { axis: inAxis, norms },
    };
  });
  return { size, slices };
}

function normAt({ shape, inputNorms }: TinySlice, element: number): number {
  const { axis, norms } = inputNorms!;
  return norms[Math.floor(element / shape.slice(axis + 1).reduce((a, b) => a * b, 1)) % shape[axis]];
}

describe('criteria agree with formulas over coordinates, on 100 random groups each', () => {
  const product = (slice: TinySlice, i: number) => slice.weights[i] * slice.gradients![i];
  it.each([
    ['magnitude', magnitude(), (slice: TinySlice, i: number) => slice.weights[i] ** 2, undefined],
    [
      'taylor sum-abs',
      taylor({ form: 'sum-abs' }),
      (slice: TinySlice, i: number) => Math.abs(product(slice, i)),
      undefined,
    ],
    ['taylor squared', taylor({ form: 'squared' }), (slice: TinySlice, i: number) => product(slice, i) ** 2, undefined],
    ['taylor abs-sum', taylor(), product, Math.abs],
    ['obd', obd(), (slice: TinySlice, i: number) => (slice.weights[i] ** 2 * slice.gradients![i]) / 2, undefined],
    ['wanda', wanda(), (slice: TinySlice, i: number) => Math.abs(slice.weights[i]) * normAt(slice, i), undefined],
  ] as const)('%s', (_, criterion, term, afterSum) => {
    for (let seed = 1; seed <= 100; seed++) {
      const { size, slices } = randomGroup(seed);
      const actual = scoreOf(criterion, size, slices)!;
      const expected = naiveScores(size, slices, term, afterSum);
      const largest = Math.max(...expected.map(Math.abs));
      // Same numbers added in another order in double precision, then rounded to float32: 2^-24 of the score.
      for (const [unit, score] of actual.entries()) {
        expect(Math.abs(score - expected[unit]), `group ${seed}`).toBeLessThan(1e-6 * largest);
      }
    }
  });
});
