import { SecateurError } from '@secateur/graph';
import { type GroupView, type SliceView, sumPerUnit } from './criterion.js';

/** How the scores that a unit gets from its tensors become one. */
export type Reduction = 'sum' | 'mean' | 'max' | 'prod' | 'first';

/**
 * How the scores of a group are put on one scale.
 * - `sum`, `mean`, `max`: divided by the group's sum, mean or largest
 * - `standardize`: `(s - min) / (max - min)`
 * - `gaussian`: `(s - mean) / std`
 * - `sentinel`: divided by the group's median
 * - `lamp`: divided by the sum of all scores not smaller (Lee et al., arXiv 2010.07611)
 */
export type Normalization = 'none' | 'sum' | 'mean' | 'max' | 'standardize' | 'gaussian' | 'sentinel' | 'lamp';

export const reductions: readonly Reduction[] = ['sum', 'mean', 'max', 'prod', 'first'];
export const normalizations: readonly Normalization[] = [
  'none',
  'sum',
  'mean',
  'max',
  'standardize',
  'gaussian',
  'sentinel',
  'lamp',
];

/** Which of a unit's tensors count: weights alone, or biases and norm parameters as well. */
export type Terms = 'weights' | 'all';

/** Slices that count. */
export function slicesOf(group: GroupView, terms: Terms): readonly SliceView[] {
  if (terms === 'all') return group.slices;
  return group.slices.filter(({ role }) => role === 'producer' || role === 'consumer' || role === 'table');
}

/**
 * One score a unit from a term per element: summed over each tensor's elements, reduced over tensors, normalised over the
 * group. Double precision and fixed order throughout.
 *
 * @param term for a slice, the term of its element; `undefined` leaves the slice out
 * @returns [size], or `undefined` when no slice counts
 */
export function aggregate(
  group: GroupView,
  term: (slice: SliceView) => ((element: number) => number) | undefined,
  options: { readonly reduce: Reduction; readonly normalize: Normalization; readonly terms: Terms },
): Float32Array | undefined {
  const parts: Float64Array[] = [];
  for (const slice of slicesOf(group, options.terms)) {
    const termOf = term(slice);
    if (termOf) parts.push(sumPerUnit(slice, group.size, termOf));
  }
  return combine(parts, options.reduce, options.normalize);
}

/** Reduces scores per tensor to one a unit, and normalises. */
export function combine(
  parts: readonly Float64Array[],
  reduce: Reduction,
  normalize: Normalization,
): Float32Array | undefined {
  if (parts.length === 0) return undefined;
  const combined = parts[0].map((_, unit) =>
    reduceScores(
      parts.map((part) => part[unit]),
      reduce,
    ),
  );
  // A layer or block is a group of one: put on the scale of itself, all of them would score the same.
  return Float32Array.from(combined.length === 1 ? combined : normalizeScores(combined, normalize));
}

function reduceScores(scores: readonly number[], reduce: Reduction): number {
  switch (reduce) {
    case 'sum':
      return scores.reduce((a, b) => a + b, 0);
    case 'mean':
      return scores.reduce((a, b) => a + b, 0) / scores.length;
    case 'max':
      return scores.reduce((a, b) => Math.max(a, b));
    case 'prod':
      return scores.reduce((a, b) => a * b, 1);
    case 'first':
      return scores[0];
  }
}

/** @throws {SecateurError} BAD_OPTION for a normalisation that does not exist */
export function normalizeScores(scores: Float64Array, normalize: Normalization): Float64Array {
  const sum = scores.reduce((a, b) => a + b, 0);
  const mean = sum / scores.length;
  const by = (divisor: number) => (divisor === 0 ? scores : scores.map((score) => score / divisor));
  switch (normalize) {
    case 'none':
      return scores;
    case 'sum':
      return by(sum);
    case 'mean':
      return by(mean);
    case 'max':
      return by(scores.reduce((a, b) => Math.max(a, b)));
    case 'standardize': {
      const low = scores.reduce((a, b) => Math.min(a, b));
      const range = scores.reduce((a, b) => Math.max(a, b)) - low;
      return scores.map((score) => (range === 0 ? 0 : (score - low) / range));
    }
    case 'gaussian': {
      const deviation = Math.sqrt(scores.reduce((total, score) => total + (score - mean) ** 2, 0) / scores.length);
      return scores.map((score) => (deviation === 0 ? 0 : (score - mean) / deviation));
    }
    case 'sentinel':
      return by(scores.slice().sort()[scores.length >> 1]);
    case 'lamp':
      return lamp(scores);
    default:
      throw new SecateurError('BAD_OPTION', `There is no normalisation "${normalize satisfies never}".`);
  }
}

/** Each score over the sum of all that are not smaller; equal scores are taken in order of index. */
export function lamp(scores: Float64Array): Float64Array {
  const order = Array.from(scores, (_, i) => i).sort((a, b) => scores[a] - scores[b] || a - b);
  const out = new Float64Array(scores.length);
  let rest = 0;
  for (let i = order.length - 1; i >= 0; i--) {
    rest += scores[order[i]];
    out[order[i]] = rest === 0 ? 0 : scores[order[i]] / rest;
  }
  return out;
}
