import { sizeOf, stridesOf } from '@secateur/graph';
import type { View } from './view.js';

/** Loops over a shape with an offset into each of some arrays: strides `[array][axis]`, innermost axis last. */
export interface Loops {
  readonly sizes: readonly number[];
  readonly strides: readonly (readonly number[])[];
}

/**
 * Loops in the order in which the first array lies in memory, with as few axes as can be: axes of one element go, neighbours that run
 * on are joined.
 */
export function collapse(shape: readonly number[], strides: readonly (readonly number[])[]): Loops {
  const sizes: number[] = [];
  const steps: number[][] = strides.map(() => []);
  const order = [...shape.keys()].filter((axis) => shape[axis] !== 1);
  order.sort((a, b) => strides[0]![b]! - strides[0]![a]! || a - b);
  for (const axis of order) {
    const size = shape[axis]!;
    const last = sizes.length - 1;
    const runsOn = last >= 0 && strides.every((of, k) => steps[k]![last] === of[axis]! * size);
    if (runsOn) {
      sizes[last]! *= size;
      for (const [k, of] of strides.entries()) steps[k]![last] = of[axis]!;
    } else {
      sizes.push(size);
      for (const [k, of] of strides.entries()) steps[k]!.push(of[axis]!);
    }
  }
  return { sizes, strides: steps };
}

/** Calls `inner` with the offset into each array at every place of the outer axes; `inner` does the last `depth` axes. */
export function eachOuter({ sizes, strides }: Loops, depth: number, inner: (offsets: readonly number[]) => void): void {
  const outer = sizes.slice(0, Math.max(0, sizes.length - depth));
  const index = outer.map(() => 0);
  const offsets = strides.map(() => 0);
  for (let count = sizeOf(outer); count > 0; count--) {
    inner(offsets);
    for (let axis = outer.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      for (const [k, of] of strides.entries()) offsets[k]! += of[axis]!;
      if (index[axis]! < outer[axis]!) break;
      index[axis] = 0;
      for (const [k, of] of strides.entries()) offsets[k]! -= of[axis]! * outer[axis]!;
    }
  }
}

/** `to` = `from`, element by element; the arrays start where the views do. */
export function copyStrided(
  to: Float32Array,
  from: Float32Array,
  shape: readonly number[],
  toStrides: readonly number[],
  fromStrides: readonly number[],
): void {
  if (sizeOf(shape) === 0) return;
  const loops = collapse(shape, [toStrides, fromStrides]);
  const n = loops.sizes.at(-1) ?? 1;
  const [d, s] = [loops.strides[0]!.at(-1) ?? 1, loops.strides[1]!.at(-1) ?? 1];
  eachOuter(loops, 1, ([t, f]) => {
    if (d === 1 && s === 1) to.set(from.subarray(f!, f! + n), t!);
    else for (let i = 0; i < n; i++) to[t! + i * d] = from[f! + i * s]!;
  });
}

/** A view's elements in the order of its shape. */
export function gathered(memory: Float32Array, start: number, { shape, strides }: View): Float32Array<ArrayBuffer> {
  const result = new Float32Array(sizeOf(shape));
  copyStrided(result, memory.subarray(start), shape, stridesOf(shape), strides);
  return result;
}
