import type { Axis, SlotContext } from '../coupling/slot-context.js';
import type { Dim } from '../dim.js';
import type { InferContext, ValueType } from '../op-record.js';
import { allocate, type DType, sizeOf, stridesOf, type Tensor } from '../tensor.js';

/** The same data under another shape. */
export function reshaped(x: Tensor, shape: readonly number[]): Tensor {
  return { dtype: x.dtype, shape, data: x.data };
}

/**
 * Copies a strided view of `x`: element `[i, j, …]` of the result is `x.data[offset + i*strides[0] + j*strides[1] + …]`.
 * Transposes, slices and broadcasts are all such views.
 */
export function copyView(x: Tensor, shape: readonly number[], strides: readonly number[], offset = 0): Tensor {
  const size = sizeOf(shape);
  const data = allocate(x.dtype, size);
  const rank = shape.length;
  const index = new Array<number>(rank).fill(0);
  let from = offset;
  for (let to = 0; to < size; to++) {
    data[to] = x.data[from];
    for (let axis = rank - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return { dtype: x.dtype, shape, data };
}

export function transposed(x: Tensor, perm: readonly number[]): Tensor {
  const strides = stridesOf(x.shape);
  return copyView(
    x,
    perm.map((axis) => x.shape[axis]),
    perm.map((axis) => strides[axis]),
  );
}

/** `x` repeated along its axes of size 1 (and new leading axes) to `shape`. */
export function broadcastTo(x: Tensor, shape: readonly number[]): Tensor {
  const strides = stridesOf(x.shape);
  const lead = shape.length - x.shape.length;
  return copyView(
    x,
    shape,
    shape.map((_, i) => (i < lead || x.shape[i - lead] === 1 ? 0 : strides[i - lead])),
  );
}

/** Indices `[start, end)` of one axis. */
export function sliceAxis(x: Tensor, axis: number, start: number, end: number): Tensor {
  const strides = stridesOf(x.shape);
  return copyView(
    x,
    x.shape.map((size, i) => (i === axis ? end - start : size)),
    strides,
    start * strides[axis],
  );
}

/** Axis counted from the front. Fails when it is out of range. */
export function normalAxis(axis: number, rank: number, fail: (message: string) => never): number {
  if (axis < -rank || axis >= rank) fail(`axis ${axis} is outside [${-rank}, ${rank - 1}]`);
  return axis < 0 ? axis + rank : axis;
}

/** A type of integers whose elements are followed when they are known and few. */
export function intType(dtype: DType, shape: readonly Dim[], elements: readonly Dim[] | undefined): ValueType {
  return elements && shape.length <= 1 && elements.length <= 64 ? { dtype, shape, elements } : { dtype, shape };
}

/** An axis that cannot be cut: without slots when its size is symbolic or 1. */
export function uncut(context: SlotContext, dim: Dim, reason: string): Axis {
  return typeof dim === 'number' && dim > 1 ? context.fixed(dim, reason) : context.blank();
}

/** Elements of integer input `i` as numbers; `undefined` when unknown or symbolic. */
export function knownNumbers(context: Pick<InferContext, 'elements'>, i: number): readonly number[] | undefined {
  const elements = context.elements(i);
  return elements?.every((element) => typeof element === 'number') ? (elements as readonly number[]) : undefined;
}
