// Activations to integers, one scale a column (token): the largest magnitude of the column becomes the largest integer, so no
// calibration is needed and an outlier coarsens its own token only. src is `[k][columns]`, columns a multiple of 4.

/** Largest magnitude of each column into out: f32[columns]. */
function magnitudes(src: usize, srcRow: i32, k: i32, columns: i32, out: usize): void {
  let t = 0;
  for (; t + 16 <= columns; t += 16) {
    let m0 = f32x4.splat(0), m1 = m0, m2 = m0, m3 = m0;
    for (let i = 0, p = src + (<usize>t << 2); i < k; i++, p += srcRow) {
      m0 = f32x4.pmax(m0, f32x4.abs(v128.load(p)));
      m1 = f32x4.pmax(m1, f32x4.abs(v128.load(p, 16)));
      m2 = f32x4.pmax(m2, f32x4.abs(v128.load(p, 32)));
      m3 = f32x4.pmax(m3, f32x4.abs(v128.load(p, 48)));
    }
    const q = out + (<usize>t << 2);
    v128.store(q, m0);
    v128.store(q, m1, 16);
    v128.store(q, m2, 32);
    v128.store(q, m3, 48);
  }
  for (; t < columns; t += 4) {
    let m = f32x4.splat(0);
    for (let i = 0, p = src + (<usize>t << 2); i < k; i++, p += srcRow) m = f32x4.pmax(m, f32x4.abs(v128.load(p)));
    v128.store(out + (<usize>t << 2), m);
  }
}

/** out[column] = magnitude / levels, and returns levels / magnitude (0 for a column of zeros). */
// @ts-ignore: decorator
@inline
function scales(out: usize, levels: f32): v128 {
  const m = v128.load(out);
  v128.store(out, f32x4.mul(m, f32x4.splat(1 / levels)));
  const inverse = f32x4.div(f32x4.splat(levels), m);
  return v128.and(inverse, f32x4.gt(m, f32x4.splat(0)));
}

// @ts-ignore: decorator
@inline
function whole(p: usize, inverse: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(p), inverse)));
}

/** dst: i16 `[ceil(k / 2)][columns][2]` in -2047..2047; columnScale: f32[columns]. An odd last input is paired with zero. */
export function f32_pack_pair_i16__simd(
  dst: usize, dstRow: i32, src: usize, srcRow: i32, k: i32, columns: i32, columnScale: usize,
): void {
  magnitudes(src, srcRow, k, columns, columnScale);
  for (let t = 0; t < columns; t += 4) {
    const inverse = scales(columnScale + (<usize>t << 2), 2047);
    let p = src + (<usize>t << 2);
    let d = dst + (<usize>t << 2);
    for (let i = 0; i < k; i += 2, d += dstRow) {
      const q0 = whole(p, inverse);
      p += srcRow;
      let q1 = i32x4.splat(0);
      if (i + 1 < k) q1 = whole(p, inverse);
      p += srcRow;
      v128.store(d, v128.shuffle<i16>(q0, q1, 0, 8, 2, 10, 4, 12, 6, 14));
    }
  }
}

/** dst: u7 `[ceil(k / 4)][columns][4]`, 64 for zero, in 1..127; columnScale: f32[columns]. Missing inputs are 64. */
export function f32_pack_quad_u7__simd(
  dst: usize, dstRow: i32, src: usize, srcRow: i32, k: i32, columns: i32, columnScale: usize,
): void {
  magnitudes(src, srcRow, k, columns, columnScale);
  const zero = i8x16.splat(64);
  for (let t = 0; t < columns; t += 4) {
    const inverse = scales(columnScale + (<usize>t << 2), 63);
    let p = src + (<usize>t << 2);
    let d = dst + (<usize>t << 2);
    for (let i = 0; i < k; i += 4, d += dstRow) {
      const q0 = whole(p, inverse);
      let q1 = i32x4.splat(0), q2 = q1, q3 = q1;
      if (i + 1 < k) q1 = whole(p + srcRow, inverse);
      if (i + 2 < k) q2 = whole(p + 2 * srcRow, inverse);
      if (i + 3 < k) q3 = whole(p + 3 * srcRow, inverse);
      p += 4 * srcRow;
      const bytes = i8x16.add(i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(q0, q1), i16x8.narrow_i32x4_s(q2, q3)), zero);
      v128.store(d, v128.shuffle<i8>(bytes, bytes, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    }
  }
}
