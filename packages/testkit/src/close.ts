/** Anything with numbers in it: plain arrays, typed arrays, int64 arrays. */
export type Numbers = ArrayLike<number> | ArrayLike<bigint>;

/**
 * `max|a−b| / max(max|b|, floor)`, the relative error that all tolerances in this project mean. 0 when both are all zero.
 * A NaN, or an infinity that the other side does not share, gives Infinity.
 *
 * @param floor  0 for outputs; for gradients 1e-4 of the largest gradient magnitude in the file, since a bias before a
 *   softmax has an exactly zero gradient and the reference holds rounding noise there
 * @throws {RangeError} when the lengths differ
 */
export function relativeError(actual: Numbers, expected: Numbers, floor = 0): number {
  requireEqualLength(actual, expected);
  let difference = 0;
  let magnitude = floor;
  for (let i = 0; i < expected.length; i++) {
    const a = Number(actual[i]);
    const b = Number(expected[i]);
    if (a === b) {
      if (Number.isFinite(b)) magnitude = Math.max(magnitude, Math.abs(b));
      continue;
    }
    if (!Number.isFinite(a) || !Number.isFinite(b)) return Number.POSITIVE_INFINITY;
    difference = Math.max(difference, Math.abs(a - b));
    magnitude = Math.max(magnitude, Math.abs(b));
  }
  return difference === 0 ? 0 : difference / magnitude;
}

/**
 * Largest distance between two float32 arrays in units in the last place: how many float32 values lie between the two,
 * plus one. +0 and −0 are 0 apart. A NaN on one side only gives Infinity.
 * @throws {RangeError} when the lengths differ
 */
export function maxUlp(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  requireEqualLength(actual, expected);
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [actual[i], expected[i]];
    if (Number.isNaN(a) && Number.isNaN(b)) continue;
    if (Number.isNaN(a) || Number.isNaN(b)) return Number.POSITIVE_INFINITY;
    worst = Math.max(worst, Math.abs(rankOf(a) - rankOf(b)));
  }
  return worst;
}

/**
 * Fails a test, with the worst element named, when {@link relativeError} is above `tolerance`.
 * @param tolerance  relative; 0 asks for equality
 */
export function expectClose(actual: Numbers, expected: Numbers, tolerance: number, label = 'values', floor = 0): void {
  if (actual.length !== expected.length) {
    throw new Error(`${label}: ${actual.length} values where ${expected.length} are expected.`);
  }
  const error = relativeError(actual, expected, floor);
  if (error <= tolerance) return;
  const at = worstIndex(actual, expected);
  throw new Error(
    `${label}: relative error ${error.toExponential(2)} is above ${tolerance}; ` +
      `worst at index ${at} of ${expected.length}: ${actual[at]} where ${expected[at]} is expected.`,
  );
}

function requireEqualLength(actual: Numbers, expected: Numbers): void {
  if (actual.length !== expected.length) {
    throw new RangeError(`Cannot compare ${actual.length} values with ${expected.length}.`);
  }
}

const floatView = new Float32Array(1);
const intView = new Int32Array(floatView.buffer);

/** Position of a float32 among all float32 in ascending order; 0 for both zeros. */
function rankOf(value: number): number {
  floatView[0] = value;
  const bits = intView[0];
  return bits >= 0 ? bits : -(bits & 0x7fffffff);
}

function worstIndex(actual: Numbers, expected: Numbers): number {
  let worst = 0;
  let largest = -1;
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [Number(actual[i]), Number(expected[i])];
    if (Object.is(a, b)) continue;
    const difference = Math.abs(a - b);
    if (Number.isNaN(difference)) return i;
    if (difference > largest) [worst, largest] = [i, difference];
  }
  return worst;
}
