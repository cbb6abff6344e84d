/**
 * Eigenvalues of a symmetric matrix, smallest first, in float64: Householder reflections down to a tridiagonal matrix
 * (4/3 n³ operations), then bisection on Sturm counts (Golub & Van Loan, Matrix Computations, 8.3 and 8.4). Errors are a few
 * units of rounding times the largest eigenvalue. Bisection cannot fail to converge, and no vectors are needed here: that,
 * and the same bits in every browser, is why this is no library.
 *
 * @param matrix  [n, n], symmetric; left as it is
 */
export function symmetricEigenvalues(matrix: Float64Array, n: number): Float64Array {
  let scale = 0;
  for (const value of matrix) scale = Math.max(scale, Math.abs(value));
  if (scale === 0) return new Float64Array(n);
  const { diagonal, offDiagonal } = tridiagonal(
    matrix.map((value) => value / scale),
    n,
  );
  return tridiagonalEigenvalues(diagonal, offDiagonal).map((value) => value * scale);
}

/** Squares of what is far below the rounding of a matrix whose largest element is 1; smaller ones would underflow. */
const NOTHING = Number.EPSILON ** 4;

/** Reduces in place. `offDiagonal[i]` stands between `i` and `i + 1`. */
function tridiagonal(a: Float64Array, n: number): { diagonal: Float64Array; offDiagonal: Float64Array } {
  const diagonal = new Float64Array(n);
  const offDiagonal = new Float64Array(Math.max(0, n - 1));
  const v = new Float64Array(n);
  const w = new Float64Array(n);
  for (let k = 0; k < n - 1; k++) {
    let tail = 0;
    for (let i = k + 1; i < n; i++) {
      v[i] = a[i * n + k];
      if (i > k + 1) tail += v[i] * v[i];
    }
    if (tail < NOTHING) {
      offDiagonal[k] = v[k + 1];
      continue;
    }
    // The reflection I - beta v vᵀ turns the column into (alpha, 0, 0, …).
    const norm = Math.sqrt(tail + v[k + 1] * v[k + 1]);
    const alpha = v[k + 1] > 0 ? -norm : norm;
    v[k + 1] -= alpha;
    offDiagonal[k] = alpha;
    reflect(a, n, k + 1, v, w, 2 / (tail + v[k + 1] * v[k + 1]));
  }
  for (let i = 0; i < n; i++) diagonal[i] = a[i * n + i];
  return { diagonal, offDiagonal };
}

/** `A := H A H` on rows and columns from `from`, as `A - v wᵀ - w vᵀ` with `w = beta A v - (beta²/2) (vᵀ A v) v`. */
function reflect(a: Float64Array, n: number, from: number, v: Float64Array, w: Float64Array, beta: number): void {
  let inner = 0;
  for (let i = from; i < n; i++) {
    let sum = 0;
    const row = i * n;
    for (let j = from; j < n; j++) sum += a[row + j] * v[j];
    w[i] = beta * sum;
    inner += w[i] * v[i];
  }
  for (let i = from; i < n; i++) w[i] -= (beta / 2) * inner * v[i];
  for (let i = from; i < n; i++) {
    const row = i * n;
    const [vi, wi] = [v[i], w[i]];
    for (let j = from; j < n; j++) a[row + j] -= vi * w[j] + wi * v[j];
  }
}

/** Eigenvalues of a symmetric tridiagonal matrix, smallest first. */
function tridiagonalEigenvalues(diagonal: Float64Array, offDiagonal: Float64Array): Float64Array {
  const n = diagonal.length;
  const squares = offDiagonal.map((value) => value * value);
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < n; i++) {
    // Gershgorin: every eigenvalue lies within the row's radius of some diagonal element.
    const radius = Math.abs(offDiagonal[i - 1] ?? 0) + Math.abs(offDiagonal[i] ?? 0);
    low = Math.min(low, diagonal[i] - radius);
    high = Math.max(high, diagonal[i] + radius);
  }
  const tiny = Number.EPSILON * Math.max(Math.abs(low), Math.abs(high), Number.MIN_VALUE);
  const values = new Float64Array(n);
  let from = low - tiny;
  for (let index = 0; index < n; index++) {
    let [a, b] = [from, high + tiny];
    while (b - a > tiny) {
      const middle = (a + b) / 2;
      if (middle <= a || middle >= b) break;
      if (countBelow(diagonal, squares, middle, tiny) > index) b = middle;
      else a = middle;
    }
    // Equal ones must not change places by rounding.
    values[index] = Math.max((a + b) / 2, values[index - 1] ?? Number.NEGATIVE_INFINITY);
    from = a;
  }
  return values;
}

/** How many eigenvalues are below `x`: the negative pivots of the LDLᵀ factors of `T - x I` (Sylvester's law of inertia). */
function countBelow(diagonal: Float64Array, squares: Float64Array, x: number, tiny: number): number {
  let negative = 0;
  let pivot = 1;
  for (let i = 0; i < diagonal.length; i++) {
    pivot = diagonal[i] - x - (i > 0 ? squares[i - 1] / pivot : 0);
    // A pivot of zero would divide by zero: moving `x` by less than an ulp takes it to either side.
    if (Math.abs(pivot) < tiny * Number.EPSILON) pivot = -tiny * Number.EPSILON;
    if (pivot < 0) negative++;
  }
  return negative;
}
