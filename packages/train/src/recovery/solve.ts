import { SecateurError } from '@secateur/graph';

/**
 * Solves `X M = R` for a symmetric positive definite matrix by Cholesky's method, in double precision.
 *
 * @param m  [n, n], overwritten
 * @param r  [rows, n], overwritten by X
 * @throws {SecateurError} BAD_DATA when the matrix is not positive definite
 */
export function solveSymmetric(m: Float64Array, r: Float64Array, n: number): void {
  // M = L L^T, L in the lower triangle.
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = m[i * n + j];
      for (let k = 0; k < j; k++) sum -= m[i * n + k] * m[j * n + k];
      if (i > j) m[i * n + j] = sum / m[j * n + j];
      else if (sum > 0) m[j * n + j] = Math.sqrt(sum);
      else {
        throw new SecateurError('BAD_DATA', `The inputs of a layer are dependent: pivot ${j} of ${n} is ${sum}.`, {
          hint: 'Give more samples, or a larger ridge.',
        });
      }
    }
  }
  for (let row = 0; row < r.length; row += n) {
    for (let i = 0; i < n; i++) {
      let sum = r[row + i];
      for (let k = 0; k < i; k++) sum -= m[i * n + k] * r[row + k];
      r[row + i] = sum / m[i * n + i];
    }
    for (let i = n - 1; i >= 0; i--) {
      let sum = r[row + i];
      for (let k = i + 1; k < n; k++) sum -= m[k * n + i] * r[row + k];
      r[row + i] = sum / m[i * n + i];
    }
  }
}
