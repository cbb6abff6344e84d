import { checkWeights, tapsOf, type WeightShape } from './weight-shape.js';

/** Output rows that share one list of positions. */
export type GroupRows = 1 | 2 | 4;

/** What a weight's zeros are worth to each kernel. */
export interface Structure {
  readonly nonzeros: number;
  /** nonzeros / size, in [0, 1]. */
  readonly density: number;
  /**
   * Share of the dense layer's multiplications that the kernels of 1, 2 and 4 shared rows do: a position counts when any of its
   * rows is not zero.
   */
  readonly work: Readonly<Record<GroupRows, number>>;
  /** The same for Winograd: a whole kernel counts when any of its taps is not zero in any of its rows. */
  readonly winogradWork: Readonly<Record<GroupRows, number>>;
  /** The cheapest number of shared rows, by work over the rate of its kernel. */
  readonly best: GroupRows;
}

/**
 * How fast the kernels of 1, 2 and 4 shared rows multiply, relative to that of 4: a row of its own loads its own columns.
 * Medians on x64, V8 11 to 14; `tuneConvolution` and `tuneLinear` measure instead.
 */
export const relativeRate: Readonly<Record<GroupRows, number>> = { 1: 0.7, 2: 0.97, 4: 1 };

export const groupRows: readonly GroupRows[] = [4, 2, 1];

/**
 * Counts what each kernel would have to do. A weight that is 0, or that the mask removes, is a zero.
 *
 * @param weight  `[outputs, inputs, kernelHeight, kernelWidth]`, finite
 * @throws {SparseWasmError} BAD_SHAPE, BAD_DATA
 */
export function analyse(weight: Float32Array, shape: WeightShape, mask?: Uint8Array): Structure {
  checkWeights(weight, shape, mask);
  const taps = tapsOf(shape);
  const { outputs, inputs } = shape;
  const row = inputs * taps;
  let nonzeros = 0;
  const positions = { 1: 0, 2: 0, 4: 0 };
  const kernels = { 1: 0, 2: 0, 4: 0 };
  for (let first = 0; first < outputs; first += 4) {
    const rows = Math.min(4, outputs - first);
    for (let channel = 0; channel < inputs; channel++) {
      // Bit r of each: whether row r of the four has something here.
      let kernelBits = 0;
      for (let tap = 0; tap < taps; tap++) {
        let bits = 0;
        for (let r = 0; r < rows; r++) {
          const at = (first + r) * row + channel * taps + tap;
          if (weight[at] !== 0 && mask?.[at] !== 0) bits |= 1 << r;
        }
        kernelBits |= bits;
        nonzeros += count(bits, 1, rows);
        for (const size of groupRows) positions[size] += count(bits, size, rows);
      }
      for (const size of groupRows) kernels[size] += count(kernelBits, size, rows);
    }
  }
  const share = (counted: Record<GroupRows, number>, all: number): Record<GroupRows, number> => ({
    1: counted[1] / all,
    2: counted[2] / all,
    4: counted[4] / all,
  });
  const work = share(positions, outputs * row);
  const best = groupRows.reduce((a, b) => (work[b] / relativeRate[b] < work[a] / relativeRate[a] ? b : a));
  return {
    nonzeros,
    density: nonzeros / (outputs * row),
    work,
    winogradWork: share(kernels, outputs * inputs),
    best,
  };
}

/** Rows that are multiplied when groups of `size` go by the rows that are not zero; groups at the end may be smaller. */
function count(bits: number, size: GroupRows, rows: number): number {
  let sum = 0;
  for (let r = 0; r < rows; r += size) {
    const group = (bits >> r) & ((1 << size) - 1);
    if (group !== 0) sum += Math.min(size, rows - r);
  }
  return sum;
}
