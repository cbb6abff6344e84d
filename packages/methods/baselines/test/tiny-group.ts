import type { Criterion, GroupView, InputNorms, SliceView } from '@secateur/core';

/** A slice with its values; `indices` default to `0, 1, …` in order. */
export interface TinySlice {
  readonly tensor: string;
  readonly role: SliceView['role'];
  readonly shape: readonly number[];
  readonly axis: number;
  readonly perUnit?: number;
  readonly indices?: readonly number[];
  readonly weights: readonly number[];
  readonly gradients?: readonly number[];
  readonly inputNorms?: { readonly axis: number; readonly norms: readonly number[] };
}

/** Scores of a group that is given by its values. */
export function scoreOf(criterion: Criterion, size: number, slices: readonly TinySlice[]): number[] | undefined {
  const byName = new Map(slices.map((slice) => [slice.tensor, slice]));
  const group: GroupView = { id: 'tiny', kind: 'channel', size, slices: slices.map(viewOf) };
  const scores = criterion.score!(group, {
    weights: ({ tensor }) => Float32Array.from(byName.get(tensor)!.weights),
    gradients: ({ tensor, shape }) =>
      Float32Array.from(byName.get(tensor)!.gradients ?? new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(0)),
    inputNorms: ({ tensor }): InputNorms | undefined => {
      const given = byName.get(tensor)!.inputNorms;
      return given && { axis: given.axis, norms: Float32Array.from(given.norms) };
    },
    outputsWithout: () => ({ distance: 0, lossChange: 0 }),
    random: (_, unit) => unit / 10,
  });
  return scores && Array.from(scores);
}

function viewOf({ tensor, role, shape, axis, perUnit = 1, indices }: TinySlice): SliceView {
  return {
    tensor,
    role,
    shape,
    axis,
    perUnit,
    indices: Int32Array.from(indices ?? Array.from({ length: shape[axis] }, (_, i) => i)),
  };
}

/**
 * Two channels: made by `w` `[[1, -2], [3, 0]]` with bias `[1, -1]`, normed with scale `[0.5, 2]` and shift `[0, 1]`, read
 * by `v` `[[2, -4]]`. Gradients: `w` `[[1, 1], [-1, 5]]`, bias `[2, 3]`, scale `[4, -1]`, shift `[9, 0.5]`, `v` `[[-1, 0.5]]`.
 */
export const twoChannels: readonly TinySlice[] = [
  {
    tensor: 'w',
    role: 'producer',
    shape: [2, 2],
    axis: 0,
    weights: [1, -2, 3, 0],
    gradients: [1, 1, -1, 5],
    inputNorms: { axis: 1, norms: [2, 3] },
  },
  { tensor: 'b', role: 'bias', shape: [2], axis: 0, weights: [1, -1], gradients: [2, 3] },
  { tensor: 's', role: 'scale', shape: [2], axis: 0, weights: [0.5, 2], gradients: [4, -1] },
  { tensor: 't', role: 'norm-bias', shape: [2], axis: 0, weights: [0, 1], gradients: [9, 0.5] },
  {
    tensor: 'v',
    role: 'consumer',
    shape: [1, 2],
    axis: 1,
    weights: [2, -4],
    gradients: [-1, 0.5],
    inputNorms: { axis: 1, norms: [5, 7] },
  },
];

/** What a criterion that adds up terms per weight must give, from coordinates and unit numbers alone. `[size]` */
export function naiveScores(
  size: number,
  slices: readonly TinySlice[],
  term: (slice: TinySlice, element: number) => number,
  afterSum: (sum: number) => number = (sum) => sum,
): number[] {
  const total = new Array<number>(size).fill(0);
  for (const slice of slices) {
    const { shape, axis, perUnit = 1, indices = Array.from({ length: shape[axis] }, (_, i) => i) } = slice;
    const sums = new Array<number>(size).fill(0);
    for (let element = 0; element < slice.weights.length; element++) {
      const stride = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
      const place = indices.indexOf(Math.floor(element / stride) % shape[axis]);
      if (place >= 0) sums[Math.floor(place / perUnit)] += term(slice, element);
    }
    sums.forEach((sum, unit) => {
      total[unit] += afterSum(sum) / slices.length;
    });
  }
  const mean = total.reduce((a, b) => a + b, 0) / size;
  return total.map((score) => (mean === 0 ? score : score / mean));
}
