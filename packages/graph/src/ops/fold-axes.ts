import type { Dim } from '../dim.js';
import { sizeOf, stridesOf } from '../tensor.js';

/** Shape after reducing `axes` (counted from the front): with size 1 there if `keep`, without them otherwise. */
export function keptShape<T extends Dim>(shape: readonly T[], axes: readonly number[], keep: boolean): (T | 1)[] {
  return shape.flatMap((dim, axis): (T | 1)[] => (!axes.includes(axis) ? [dim] : keep ? [1] : []));
}

/** Positions of the elements along `axes`, relative to the first, in row-major order. */
function offsetsAlong(shape: readonly number[], axes: readonly number[]): Int32Array {
  const strides = stridesOf(shape);
  let offsets = [0];
  for (const axis of axes) {
    offsets = offsets.flatMap((offset) => Array.from({ length: shape[axis] }, (_, i) => offset + i * strides[axis]));
  }
  return Int32Array.from(offsets);
}

function otherAxes(shape: readonly number[], axes: readonly number[]): number[] {
  return shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
}

/** `f` of every row along `axes` (ascending, counted from the front), in row-major order of the remaining axes. */
export function foldAxes(
  x: ArrayLike<number>,
  shape: readonly number[],
  axes: readonly number[],
  f: (row: Float64Array) => number,
): Float64Array {
  const along = offsetsAlong(shape, axes);
  const row = new Float64Array(along.length);
  return Float64Array.from(offsetsAlong(shape, otherAxes(shape, axes)), (base) => {
    for (let i = 0; i < row.length; i++) row[i] = x[base + along[i]];
    return f(row);
  });
}

/** Replaces every row along `axes` by `f` of it, which returns a row of the same length (it may be the same array). */
export function mapAxes(
  x: ArrayLike<number>,
  shape: readonly number[],
  axes: readonly number[],
  f: (row: Float64Array) => Float64Array,
): Float64Array {
  const along = offsetsAlong(shape, axes);
  const row = new Float64Array(along.length);
  const out = new Float64Array(sizeOf(shape));
  for (const base of offsetsAlong(shape, otherAxes(shape, axes))) {
    for (let i = 0; i < row.length; i++) row[i] = x[base + along[i]];
    const mapped = f(row);
    for (let i = 0; i < row.length; i++) out[base + along[i]] = mapped[i];
  }
  return out;
}
