/** The chosen rows of a matrix, in float64. @param matrix `[rows, dims]` */
export function gather(matrix: ArrayLike<number>, dims: number, chosen: readonly number[]): Float64Array {
  const out = new Float64Array(chosen.length * dims);
  for (const [to, from] of chosen.entries()) {
    for (let i = 0; i < dims; i++) out[to * dims + i] = matrix[from * dims + i];
  }
  return out;
}

/** All rows in float64: products of float32 numbers are then exact, and loops need no conversions. */
export function inDouble(matrix: ArrayLike<number>): Float64Array {
  return Float64Array.from(matrix);
}

/**
 * Inner products of one row of `left` with rows `[0, to)` of `right`.
 * @param out  [to], overwritten
 */
export function innerProducts(
  left: Float64Array,
  row: number,
  right: Float64Array,
  to: number,
  dims: number,
  out: Float64Array,
): void {
  const at = row * dims;
  let j = 0;
  // Four sums at a time: they do not wait for each other.
  for (; j + 4 <= to; j += 4) {
    const from = j * dims;
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let i = 0; i < dims; i++) {
      const value = left[at + i];
      a += value * right[from + i];
      b += value * right[from + dims + i];
      c += value * right[from + 2 * dims + i];
      d += value * right[from + 3 * dims + i];
    }
    out[j] = a;
    out[j + 1] = b;
    out[j + 2] = c;
    out[j + 3] = d;
  }
  for (; j < to; j++) {
    let sum = 0;
    for (let i = 0; i < dims; i++) sum += left[at + i] * right[j * dims + i];
    out[j] = sum;
  }
}

/** Squared length of every row. */
export function squaredNorms(matrix: Float64Array, dims: number): Float64Array {
  return Float64Array.from({ length: matrix.length / dims }, (_, row) => {
    let sum = 0;
    for (let i = row * dims; i < (row + 1) * dims; i++) sum += matrix[i] * matrix[i];
    return sum;
  });
}
