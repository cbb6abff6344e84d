/** Rows that are multiplied at once: keeps a large covariance out of the way of the memory bus. */
const BLOCK = 64;

/** Mean and covariance of vectors that come in one after another. Memory: `dims²`, whatever their number. */
export interface Moments {
  readonly dims: number;
  readonly count: number;
  /** @param rows `[n, dims]`, row-major */
  add(rows: ArrayLike<number>): void;
  /** `[dims]` */
  mean(): Float64Array;
  /** Unbiased (divided by `count - 1`), symmetric. `[dims, dims]`; needs two vectors */
  covariance(): Float64Array;
}

/**
 * In float64, of differences from the first vector, so that a mean far from zero costs no digits. Every element is summed in
 * the order of the vectors, and so the result has the same bits however they are cut into batches.
 */
export function createMoments(dims: number): Moments {
  const shift = new Float64Array(dims);
  const sums = new Float64Array(dims);
  const products = new Float64Array(dims * dims);
  // Transposed: the values of one dimension lie side by side. [dims, BLOCK]
  const block = new Float64Array(dims * BLOCK);
  let waiting = 0;
  let count = 0;

  const flush = (): void => {
    addProducts(products, block, dims, waiting);
    waiting = 0;
  };
  return {
    dims,
    get count() {
      return count;
    },
    add(rows) {
      for (let from = 0; from < rows.length; from += dims) {
        for (let i = 0; i < dims; i++) {
          if (count === 0) shift[i] = rows[i];
          const value = rows[from + i] - shift[i];
          sums[i] += value;
          block[i * BLOCK + waiting] = value;
        }
        count++;
        if (++waiting === BLOCK) flush();
      }
    },
    mean: () => sums.map((sum, i) => shift[i] + sum / count),
    covariance() {
      flush();
      const out = new Float64Array(dims * dims);
      for (let i = 0; i < dims; i++) {
        for (let j = 0; j <= i; j++) {
          const value = (products[i * dims + j] - (sums[i] * sums[j]) / count) / (count - 1);
          out[i * dims + j] = value;
          out[j * dims + i] = value;
        }
      }
      return out;
    },
  };
}

/** Adds `block blockᵀ` to the lower triangle (and a little above it), the terms of each element in order. */
function addProducts(products: Float64Array, block: Float64Array, dims: number, rows: number): void {
  for (let i = 0; i < dims; i++) {
    const left = i * BLOCK;
    // Four sums at a time: they do not wait for each other.
    for (let j = 0; j <= i; j += 4) {
      const width = Math.min(4, dims - j);
      const at = i * dims + j;
      const right = j * BLOCK;
      if (width < 4) {
        for (let k = 0; k < width; k++) {
          let sum = products[at + k];
          for (let row = 0; row < rows; row++) sum += block[left + row] * block[right + k * BLOCK + row];
          products[at + k] = sum;
        }
        continue;
      }
      let [a, b, c, d] = [products[at], products[at + 1], products[at + 2], products[at + 3]];
      for (let row = 0; row < rows; row++) {
        const value = block[left + row];
        a += value * block[right + row];
        b += value * block[right + BLOCK + row];
        c += value * block[right + 2 * BLOCK + row];
        d += value * block[right + 3 * BLOCK + row];
      }
      products[at] = a;
      products[at + 1] = b;
      products[at + 2] = c;
      products[at + 3] = d;
    }
  }
}
