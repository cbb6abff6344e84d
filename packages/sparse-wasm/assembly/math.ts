// Functions of four lanes. All are branchless; NaN stays NaN.

/**
 * 2^y as 2^n times 2^f with |f| <= 1/2, by the polynomial of degree 5 whose relative error is least (9e-8). Clamped to +-126.
 * Rounding adds 6e-8 |y|, which matters to nobody here: where |y| is large the result is next to nothing beside 1, or 1 beside it.
 * The order of the operands of pmin and pmax keeps NaN.
 */
// @ts-ignore: decorator
@inline
function exp2Of4(value: v128): v128 {
  const y = f32x4.pmax(f32x4.pmin(value, f32x4.splat(126)), f32x4.splat(-126));
  const t = f32x4.add(y, f32x4.splat(12582912));
  const f = f32x4.sub(y, f32x4.sub(t, f32x4.splat(12582912)));
  let p = f32x4.add(f32x4.splat(0.00967151299), f32x4.mul(f, f32x4.splat(0.00132647273)));
  p = f32x4.add(f32x4.splat(0.0555073358), f32x4.mul(f, p));
  p = f32x4.add(f32x4.splat(0.240222424), f32x4.mul(f, p));
  p = f32x4.add(f32x4.splat(0.693147004), f32x4.mul(f, p));
  p = f32x4.add(f32x4.splat(1), f32x4.mul(f, p));
  return i32x4.add(p, i32x4.shl(t, 23));
}

/** x / (1 + e^-x): within 3e-7 of the value from -2.7 up, within 1.1e-6 of it down to -20, where it is all but zero. */
// @ts-ignore: decorator
@inline
export function silu4(x: v128): v128 {
  const e = exp2Of4(f32x4.mul(x, f32x4.splat(-1.4426950408889634)));
  return f32x4.div(x, f32x4.add(f32x4.splat(1), e));
}

/** e^x for a softmax, x <= 0: within 2e-7 (1 + |x|) of the value, so within 2e-7 of the largest one, which is 1. */
// @ts-ignore: decorator
@inline
export function expDown4(x: v128): v128 {
  return exp2Of4(f32x4.mul(x, f32x4.splat(1.4426950408889634)));
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
  // Not below 2^-87, which is nothing beside 1: products of what is smaller still are denormal, and slow.
  const e = exp2Of4(f32x4.pmax(f32x4.mul(f32x4.mul(a, a), f32x4.splat(-1.4426950408889634)), f32x4.splat(-87)));
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
  // -log2(e) 2 sqrt(2 / pi)
  const e = exp2Of4(f32x4.mul(f32x4.add(x, cubic), f32x4.splat(-2.302208198)));
  return f32x4.div(x, f32x4.add(f32x4.splat(1), e));
}
