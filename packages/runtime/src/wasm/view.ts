import { sizeOf } from '@secateur/graph';
import type { Pending } from './pending.js';
import type { ConstantValue } from './values.js';

/** A piece of the engine's memory, written by one step. Sizes and offsets are in f32 elements. */
export interface Buffer {
  /** The value it was made for: for messages. */
  readonly label: string;
  readonly size: number;
  /** How to compute it, as long as nothing has asked for it: its reader may do that on the way in. */
  pending?: Pending;
  /** Whether several nodes read it, or the caller does: then nothing can be added to it while it is written. */
  shared: boolean;
  /** Set for what no step writes. */
  readonly constant?: ConstantValue;
}

/**
 * A tensor as it lies in a buffer: element `[i, j, ...]` is at `offset + i*strides[0] + j*strides[1] + ...`. Transposes, slices and
 * most reshapes only make another view, so that activations stay channel-major whatever order a graph writes them in.
 */
export interface View {
  readonly kind: 'view';
  readonly buffer: Buffer;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
  /** What the elements are times: attention takes it as its scale. Default 1. */
  readonly factor?: number;
}

export function newBuffer(label: string, size: number, pending?: Pending): Buffer {
  return { label, size, pending, shared: false };
}

/** Axes as they are written. */
export const naturalOrder = (rank: number): number[] => Array.from({ length: rank }, (_, axis) => axis);

/** Strides without gaps, `order` naming the axes from the outermost in. */
export function denseStrides(shape: readonly number[], order: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(0);
  let stride = 1;
  for (const axis of [...order].reverse()) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/** All of a buffer, as a tensor whose axes lie in `order`. */
export function wholeView(
  buffer: Buffer,
  shape: readonly number[],
  order: readonly number[] = naturalOrder(shape.length),
): View {
  return { kind: 'view', buffer, shape, strides: denseStrides(shape, order), offset: 0 };
}

/** Whether the view has no gaps and its axes lie in `order`; axes of one element do not count. */
export function isDense({ shape, strides }: View, order: readonly number[]): boolean {
  const dense = denseStrides(shape, order);
  return sizeOf(shape) === 0 || shape.every((size, axis) => size === 1 || strides[axis] === dense[axis]);
}

/** The order in which the axes lie, outermost first. */
export function orderOf({ shape, strides }: View): number[] {
  const order = naturalOrder(shape.length).filter((axis) => shape[axis] !== 1);
  order.sort((a, b) => strides[b]! - strides[a]! || a - b);
  // An axis of one element has no place of its own: it stays behind the axis that it is written behind.
  for (const [axis, size] of shape.entries()) {
    if (size !== 1) continue;
    const before = axis === 0 ? -1 : order.indexOf(axis - 1);
    order.splice(before + 1, 0, axis);
  }
  return order;
}

/** Whether the view shows every element of its buffer once. */
export function isWhole(view: View): boolean {
  return view.offset === 0 && sizeOf(view.shape) === view.buffer.size && isDense(view, orderOf(view));
}

export function transposeView(view: View, perm: readonly number[]): View {
  return { ...view, shape: perm.map((axis) => view.shape[axis]!), strides: perm.map((axis) => view.strides[axis]!) };
}

/** `size` elements of an axis from `start` on, each `step` from the last. */
export function sliceView(view: View, axis: number, start: number, size: number, step = 1): View {
  const stride = view.strides[axis]!;
  return {
    ...view,
    shape: view.shape.map((old, i) => (i === axis ? size : old)),
    strides: view.strides.map((old, i) => (i === axis ? old * step : old)),
    offset: view.offset + start * stride,
  };
}

/** Repeats axes of one element, and adds axes in front. */
export function broadcastView(view: View, shape: readonly number[]): View {
  const lead = shape.length - view.shape.length;
  const strides = shape.map((size, axis) =>
    axis < lead || (view.shape[axis - lead] === 1 && size !== 1) ? 0 : view.strides[axis - lead]!,
  );
  return { ...view, shape, strides };
}

/** The same elements in the same order under another shape; `undefined` where they would have to be copied. */
export function reshapeView(view: View, shape: readonly number[]): View | undefined {
  if (sizeOf(shape) === 0) return { ...view, shape, strides: denseStrides(shape, naturalOrder(shape.length)) };
  const axes = naturalOrder(view.shape.length).filter((axis) => view.shape[axis] !== 1);
  const strides = new Array<number>(shape.length).fill(1);
  let from = 0;
  let to = 0;
  while (to < shape.length) {
    if (shape[to] === 1) {
      to++;
      continue;
    }
    // The shortest run of old axes that holds as much as a run of new ones.
    let [old, now] = [view.shape[axes[from]!]!, shape[to]!];
    const [firstOld, firstNow] = [from++, to++];
    while (old !== now) {
      if (old < now) old *= view.shape[axes[from++]!]!;
      else now *= shape[to++]!;
    }
    for (let i = firstOld; i + 1 < from; i++) {
      const [outer, inner] = [axes[i]!, axes[i + 1]!];
      if (view.strides[outer] !== view.strides[inner]! * view.shape[inner]!) return undefined;
    }
    let stride = view.strides[axes[from - 1]!]!;
    for (let i = to - 1; i >= firstNow; i--) {
      strides[i] = stride;
      stride *= shape[i]!;
    }
  }
  return { ...view, shape, strides };
}
