/**
 * The matrices of F(m x m, 3 x 3) from Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (2015):
 * y = A^T [(G w G^T) * (B^T x B)] A.
 */
export interface WinogradMatrices {
  /** `[m + 2][m + 2]`, transforms a tile of the input. */
  readonly BT: readonly (readonly number[])[];
  /** `[m + 2][3]`, transforms a kernel. */
  readonly G: readonly (readonly number[])[];
  /** `[m][m + 2]`, transforms the product back. */
  readonly AT: readonly (readonly number[])[];
}

export type WinogradSize = 2 | 4;

export const winogradMatrices: Readonly<Record<WinogradSize, WinogradMatrices>> = {
  2: {
    BT: [
      [1, 0, -1, 0],
      [0, 1, 1, 0],
      [0, -1, 1, 0],
      [0, 1, 0, -1],
    ],
    G: [
      [1, 0, 0],
      [1 / 2, 1 / 2, 1 / 2],
      [1 / 2, -1 / 2, 1 / 2],
      [0, 0, 1],
    ],
    AT: [
      [1, 1, 1, 0],
      [0, 1, -1, -1],
    ],
  },
  4: {
    BT: [
      [4, 0, -5, 0, 1, 0],
      [0, -4, -4, 1, 1, 0],
      [0, 4, -4, -1, 1, 0],
      [0, -2, -1, 2, 1, 0],
      [0, 2, -1, -2, 1, 0],
      [0, 4, 0, -5, 0, 1],
    ],
    G: [
      [1 / 4, 0, 0],
      [-1 / 6, -1 / 6, -1 / 6],
      [-1 / 6, 1 / 6, -1 / 6],
      [1 / 24, 1 / 12, 1 / 6],
      [1 / 24, -1 / 12, 1 / 6],
      [0, 0, 1],
    ],
    AT: [
      [1, 1, 1, 1, 1, 0],
      [0, 1, -1, 2, -2, 0],
      [0, 1, 1, 4, 4, 0],
      [0, 1, -1, 8, -8, 1],
    ],
  },
};

/** M X M^T for a square X given as rows one after the other. */
export function sandwich(M: readonly (readonly number[])[], X: ArrayLike<number>): Float64Array {
  const [rows, n] = [M.length, M[0].length];
  const half = new Float64Array(rows * n);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < n; j++) for (let k = 0; k < n; k++) half[i * n + j] += M[i][k] * X[k * n + j];
  }
  const out = new Float64Array(rows * rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < rows; j++) for (let k = 0; k < n; k++) out[i * rows + j] += half[i * n + k] * M[j][k];
  }
  return out;
}
