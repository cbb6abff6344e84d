import type { Factor } from './factor.js';
import { symmetricEigenvalues } from './symmetric-eigenvalues.js';

/**
 * Trace of the square root of the product of two positive semi-definite matrices, `tr √(A B)`.
 *
 * With `A = F Fᵀ` the product has the eigenvalues of the symmetric `Fᵀ B F`, and the trace is the sum of their roots: all
 * real, none lost in the imaginary parts that a general matrix square root of the unsymmetric product leaves behind.
 *
 * @param a  factor of A, from {@link semiDefiniteFactor}
 * @param b  [n, n], symmetric
 */
export function traceSqrtProduct(a: Factor, b: Float64Array, n: number): number {
  const { rank, values } = a;
  const right = product(b, values, n, n, rank);
  const symmetric = product(transposed(values, n, rank), right, rank, n, rank);
  let trace = 0;
  for (const value of symmetricEigenvalues(symmetric, rank)) if (value > 0) trace += Math.sqrt(value);
  return trace;
}

/** `a b`: `[rows, inner]` times `[inner, columns]`. */
function product(a: Float64Array, b: Float64Array, rows: number, inner: number, columns: number): Float64Array {
  const out = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    const to = i * columns;
    // Four rows of `b` at a time: a quarter of the reads and writes of `out`.
    let k = 0;
    for (; k + 4 <= inner; k += 4) {
      const [p, q, r, s] = [a[i * inner + k], a[i * inner + k + 1], a[i * inner + k + 2], a[i * inner + k + 3]];
      const from = k * columns;
      for (let j = 0; j < columns; j++) {
        const at = from + j;
        out[to + j] += p * b[at] + q * b[at + columns] + r * b[at + 2 * columns] + s * b[at + 3 * columns];
      }
    }
    for (; k < inner; k++) {
      const factor = a[i * inner + k];
      for (let j = 0; j < columns; j++) out[to + j] += factor * b[k * columns + j];
    }
  }
  return out;
}

function transposed(a: Float64Array, rows: number, columns: number): Float64Array {
  const out = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = a[i * columns + j];
  return out;
}
