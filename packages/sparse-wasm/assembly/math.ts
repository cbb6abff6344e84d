// Functions of four lanes. All are branchless; NaN stays NaN.

/**
 * e^x. x = n ln 2 + r with |r| <= ln 2 / 2, Taylor to r^7: below 2 ulp. Clamped to [-87.3, 88.3], so it never overflows and
 * -Infinity gives 1.2e-38.
 */
// @ts-ignore: decorator
@inline
export function exp4(value: v128): v128 {
  const x = f32x4.pmax(f32x4.splat(-87.3), f32x4.pmin(f32x4.splat(88.3), value));
  // Adding 1.5 2^23 rounds to the nearest integer and leaves it in the low bits: two additions in place of two slow conversions.
  const t = f32x4.add(f32x4.mul(x, f32x4.splat(1.4426950408889634)), f32x4.splat(12582912));
  const n = f32x4.sub(t, f32x4.splat(12582912));
  // ln 2 in two parts: the first has 9 zero bits at its end, so that n times it is exact.
  const r = f32x4.sub(f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375))), f32x4.mul(n, f32x4.splat(-2.12194440e-4)));
  let p = f32x4.add(f32x4.splat(1.0 / 720.0), f32x4.mul(r, f32x4.splat(1.0 / 5040.0)));
  p = f32x4.add(f32x4.splat(1.0 / 120.0), f32x4.mul(r, p));
  p = f32x4.add(f32x4.splat(1.0 / 24.0), f32x4.mul(r, p));
  p = f32x4.add(f32x4.splat(1.0 / 6.0), f32x4.mul(r, p));
  p = f32x4.add(f32x4.splat(0.5), f32x4.mul(r, p));
  p = f32x4.add(f32x4.splat(1), f32x4.mul(r, p));
  p = f32x4.add(f32x4.splat(1), f32x4.mul(r, p));
  const exponent = i32x4.add(i32x4.shl(t, 23), i32x4.splat(127 << 23));
  return f32x4.mul(p, exponent);
}

/**
 * x / (1 + e^-x). e^-x as 2^n times 2^f with |f| <= 1/2, by a polynomial of degree 5 that is best in relative error
 * (9e-8): within 3e-7 of the value from -2.7 up, within 1.1e-6 of it down to -20, where it is all but zero.
 */
// @ts-ignore: decorator
@inline
export function silu4(x: v128): v128 {
  const y = f32x4.pmax(f32x4.splat(-126), f32x4.pmin(f32x4.splat(126), f32x4.mul(x, f32x4.splat(-1.4426950408889634))));
  const t = f32x4.add(y, f32x4.splat(12582912));
  const f = f32x4.sub(y, f32x4.sub(t, f32x4.splat(12582912)));
  let p = f32x4.add(f32x4.splat(0.00967151299), f32x4.mul(f, f32x4.splat(0.00132647273)));
  p = f32x4.add(f32x4.splat(0.0555073358), f32x4.mul(f, p));
  p = f32x4.add(f32x4.splat(0.240222424), f32x4.mul(f, p));
  p = f32x4.add(f32x4.splat(0.693147004), f32x4.mul(f, p));
  p = f32x4.add(f32x4.splat(1), f32x4.mul(f, p));
  const e = i32x4.add(p, i32x4.shl(t, 23));
  return f32x4.div(x, f32x4.add(f32x4.splat(1), e));
}

/** Abramowitz and Stegun 7.1.26: within 1.5e-7 of erf, plus rounding. */
// @ts-ignore: decorator
@inline
function erf4(x: v128): v128 {
  const a = f32x4.abs(x);
  const t = f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), f32x4.mul(a, f32x4.splat(0.3275911))));
  let p = f32x4.add(f32x4.splat(-1.453152027), f32x4.mul(t, f32x4.splat(1.061405429)));
  p = f32x4.add(f32x4.splat(1.421413741), f32x4.mul(t, p));
  p = f32x4.add(f32x4.splat(-0.284496736), f32x4.mul(t, p));
  p = f32x4.add(f32x4.splat(0.254829592), f32x4.mul(t, p));
  const e = exp4(f32x4.neg(f32x4.mul(a, a)));
  const y = f32x4.sub(f32x4.splat(1), f32x4.mul(f32x4.mul(t, p), e));
  return v128.bitselect(x, y, i32x4.splat(0x80000000));
}

/** x / 2 * (1 + erf(x / sqrt 2)) */
// @ts-ignore: decorator
@inline
export function gelu4(x: v128): v128 {
  const e = erf4(f32x4.mul(x, f32x4.splat(0.7071067811865476)));
  return f32x4.mul(f32x4.mul(x, f32x4.splat(0.5)), f32x4.add(f32x4.splat(1), e));
}

/** x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))), which is x * sigmoid of twice the inner part. */
// @ts-ignore: decorator
@inline
export function geluTanh4(x: v128): v128 {
  const cubic = f32x4.mul(f32x4.mul(x, x), f32x4.mul(x, f32x4.splat(0.044715)));
  const inner = f32x4.mul(f32x4.add(x, cubic), f32x4.splat(1.5957691216057308));
  return f32x4.div(x, f32x4.add(f32x4.splat(1), exp4(f32x4.neg(inner))));
}
