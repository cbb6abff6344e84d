/** `matrix ≈ factor factorᵀ`. */
export interface Factor {
  /** Numerical rank. */
  readonly rank: number;
  /** [n, rank], row-major */
  readonly values: Float64Array;
}

/**
 * Factor of a positive semi-definite matrix: Cholesky with the largest remaining diagonal element as the next pivot. It ends
 * where the rest is rounding noise (`n` units of rounding of the largest variance), so that covariances of too few vectors,
 * or of features that never fire, are no special case.
 *
 * @param matrix  [n, n], symmetric; left as it is
 */
export function semiDefiniteFactor(matrix: Float64Array, n: number): Factor {
  // Columns of the factor as rows, so that the inner loop runs along memory. [rank, n]
  const columns: Float64Array[] = [];
  const rest = Float64Array.from({ length: n }, (_, i) => matrix[i * n + i]);
  const limit = n * Number.EPSILON * rest.reduce((largest, value) => Math.max(largest, value), 0);
  while (columns.length < n) {
    const pivot = rest.reduce((best, value, i) => (value > rest[best] ? i : best), 0);
    if (!(rest[pivot] > limit)) break;
    const column = matrix.slice(pivot * n, pivot * n + n);
    for (const earlier of columns) {
      const share = earlier[pivot];
      if (share !== 0) for (let i = 0; i < n; i++) column[i] -= share * earlier[i];
    }
    const root = Math.sqrt(rest[pivot]);
    for (let i = 0; i < n; i++) {
      column[i] /= root;
      rest[i] -= column[i] * column[i];
    }
    column[pivot] = root;
    // Eliminated for good: rounding must not bring it back.
    rest[pivot] = Number.NEGATIVE_INFINITY;
    columns.push(column);
  }
  const rank = columns.length;
  const values = new Float64Array(n * rank);
  for (const [j, column] of columns.entries()) for (let i = 0; i < n; i++) values[i * rank + j] = column[i];
  return { rank, values };
}
