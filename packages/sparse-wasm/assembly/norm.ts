// Statistics and what follows from them. Activations are channel-major, `[channels][columns]`, so that a reduction over
// channels runs down the columns and a vector holds four of them.
import { expDown4 } from './math';

/**
 * out: f64[3] = how many, their mean, and the sum of squared distances from the mean, of n f32 in a row. Sums of 1024 are taken
 * in f32 lanes and added up in f64; the second pass corrects for the mean having been rounded to f32.
 */
export function f32_moments__simd(src: usize, n: i32, out: usize): void {
  const end = src + (<usize>n << 2);
  let total: f64 = 0;
  for (let p = src; p < end; ) {
    const stop = min(p + 4096, end);
    let sum = f32x4.splat(0);
    for (; p + 16 <= stop; p += 16) sum = f32x4.add(sum, v128.load(p));
    for (; p < stop; p += 4) total += <f64>load<f32>(p);
    total += lanes(sum);
  }
  const mean = total / <f64>n;
  const rounded = <f32>mean;
  const m = f32x4.splat(rounded);
  let squares: f64 = 0;
  for (let p = src; p < end; ) {
    const stop = min(p + 4096, end);
    let sum = f32x4.splat(0);
    for (; p + 16 <= stop; p += 16) {
      const d = f32x4.sub(v128.load(p), m);
      sum = f32x4.add(sum, f32x4.mul(d, d));
    }
    for (; p < stop; p += 4) {
      const d = <f64>load<f32>(p) - <f64>rounded;
      squares += d * d;
    }
    squares += lanes(sum);
  }
  const off = mean - <f64>rounded;
  store<f64>(out, <f64>n);
  store<f64>(out, mean, 8);
  store<f64>(out, squares - <f64>n * off * off, 16);
}

// @ts-ignore: decorator
@inline
function lanes(v: v128): f64 {
  return (
    <f64>f32x4.extract_lane(v, 0) + <f64>f32x4.extract_lane(v, 1) + (<f64>f32x4.extract_lane(v, 2) + <f64>f32x4.extract_lane(v, 3))
  );
}

/**
 * Each column of `[rows][columns]` less its mean, over sqrt(variance + eps), times gamma[row] plus beta[row]. gamma and beta may
 * be 0 for none. dst may be src.
 */
export function f32_layernorm_columns__simd(
  dst: usize, dstRow: i32, src: usize, srcRow: i32, rows: i32, columns: i32, gamma: usize, beta: usize, eps: f32,
): void {
  const n = f32x4.splat(<f32>rows);
  let t = 0;
  for (; t + 16 <= columns; t += 16) {
    const s = src + (<usize>t << 2);
    const d = dst + (<usize>t << 2);
    let m0 = f32x4.splat(0), m1 = m0, m2 = m0, m3 = m0;
    for (let k = 0, p = s; k < rows; k++, p += srcRow) {
      m0 = f32x4.add(m0, v128.load(p));
      m1 = f32x4.add(m1, v128.load(p, 16));
      m2 = f32x4.add(m2, v128.load(p, 32));
      m3 = f32x4.add(m3, v128.load(p, 48));
    }
    m0 = f32x4.div(m0, n);
    m1 = f32x4.div(m1, n);
    m2 = f32x4.div(m2, n);
    m3 = f32x4.div(m3, n);
    let v0 = f32x4.splat(0), v1 = v0, v2 = v0, v3 = v0;
    for (let k = 0, p = s; k < rows; k++, p += srcRow) {
      const d0 = f32x4.sub(v128.load(p), m0), d1 = f32x4.sub(v128.load(p, 16), m1);
      const d2 = f32x4.sub(v128.load(p, 32), m2), d3 = f32x4.sub(v128.load(p, 48), m3);
      v0 = f32x4.add(v0, f32x4.mul(d0, d0));
      v1 = f32x4.add(v1, f32x4.mul(d1, d1));
      v2 = f32x4.add(v2, f32x4.mul(d2, d2));
      v3 = f32x4.add(v3, f32x4.mul(d3, d3));
    }
    v0 = inverse(v0, n, eps);
    v1 = inverse(v1, n, eps);
    v2 = inverse(v2, n, eps);
    v3 = inverse(v3, n, eps);
    for (let k = 0, p = s, q = d; k < rows; k++, p += srcRow, q += dstRow) {
      const g = gamma ? v128.load32_splat(gamma + (<usize>k << 2)) : f32x4.splat(1);
      const b = beta ? v128.load32_splat(beta + (<usize>k << 2)) : f32x4.splat(0);
      v128.store(q, f32x4.add(f32x4.mul(f32x4.mul(f32x4.sub(v128.load(p), m0), v0), g), b));
      v128.store(q, f32x4.add(f32x4.mul(f32x4.mul(f32x4.sub(v128.load(p, 16), m1), v1), g), b), 16);
      v128.store(q, f32x4.add(f32x4.mul(f32x4.mul(f32x4.sub(v128.load(p, 32), m2), v2), g), b), 32);
      v128.store(q, f32x4.add(f32x4.mul(f32x4.mul(f32x4.sub(v128.load(p, 48), m3), v3), g), b), 48);
    }
  }
  for (; t < columns; t++) {
    const s = src + (<usize>t << 2);
    let mean: f32 = 0;
    for (let k = 0, p = s; k < rows; k++, p += srcRow) mean += load<f32>(p);
    mean /= <f32>rows;
    let variance: f32 = 0;
    for (let k = 0, p = s; k < rows; k++, p += srcRow) {
      const d = load<f32>(p) - mean;
      variance += d * d;
    }
    const scale: f32 = 1 / sqrt<f32>(variance / <f32>rows + eps);
    for (let k = 0, p = s, q = dst + (<usize>t << 2); k < rows; k++, p += srcRow, q += dstRow) {
      const g: f32 = gamma ? load<f32>(gamma + (<usize>k << 2)) : 1;
      const b: f32 = beta ? load<f32>(beta + (<usize>k << 2)) : 0;
      store<f32>(q, (load<f32>(p) - mean) * scale * g + b);
    }
  }
}

// @ts-ignore: decorator
@inline
function inverse(sum: v128, n: v128, eps: f32): v128 {
  return f32x4.div(f32x4.splat(1), f32x4.sqrt(f32x4.add(f32x4.div(sum, n), f32x4.splat(eps))));
}

/**
 * The first half of a softmax down each column of `[rows][columns]`, in place: data = e^(data - column's maximum), and
 * sums[column] = their sum. Columns: a multiple of 4.
 */
export function f32_expsum_columns__simd(data: usize, row: i32, rows: i32, columns: i32, sums: usize): void {
  let t = 0;
  for (; t + 8 <= columns; t += 8) {
    const s = data + (<usize>t << 2);
    let h0 = v128.load(s), h1 = v128.load(s, 16);
    for (let k = 1, p = s + row; k < rows; k++, p += row) {
      h0 = f32x4.pmax(h0, v128.load(p));
      h1 = f32x4.pmax(h1, v128.load(p, 16));
    }
    let s0 = f32x4.splat(0), s1 = s0;
    for (let k = 0, p = s; k < rows; k++, p += row) {
      const e0 = expDown4(f32x4.sub(v128.load(p), h0));
      const e1 = expDown4(f32x4.sub(v128.load(p, 16), h1));
      v128.store(p, e0);
      v128.store(p, e1, 16);
      s0 = f32x4.add(s0, e0);
      s1 = f32x4.add(s1, e1);
    }
    v128.store(sums + (<usize>t << 2), s0);
    v128.store(sums + (<usize>t << 2), s1, 16);
  }
  for (; t < columns; t += 4) {
    const s = data + (<usize>t << 2);
    let h = v128.load(s);
    for (let k = 1, p = s + row; k < rows; k++, p += row) h = f32x4.pmax(h, v128.load(p));
    let sum = f32x4.splat(0);
    for (let k = 0, p = s; k < rows; k++, p += row) {
      const e = expDown4(f32x4.sub(v128.load(p), h));
      v128.store(p, e);
      sum = f32x4.add(sum, e);
    }
    v128.store(sums + (<usize>t << 2), sum);
  }
}

/** Divides every column of `[rows][columns]` by divisors[column], in place. Columns: a multiple of 4. */
export function f32_divide_columns__simd(data: usize, row: i32, rows: i32, columns: i32, divisors: usize): void {
  for (let t = 0; t < columns; t += 4) {
    const inverse = f32x4.div(f32x4.splat(1), v128.load(divisors + (<usize>t << 2)));
    for (let k = 0, p = data + (<usize>t << 2); k < rows; k++, p += row) v128.store(p, f32x4.mul(v128.load(p), inverse));
  }
}
