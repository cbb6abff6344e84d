import { addDims, type Dim, dimText, floorDivideDims, isSymbolic } from '../dim.js';
import { type GraphNode, getInt, getInts, getString } from '../graph.js';

/** A window that slides over the spatial axes `[height, width]` (or `[width]`) of a convolution or pooling. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Padding before each axis. */
  readonly before: readonly number[];
  /** Padding after each axis. */
  readonly after: readonly number[];
}

/**
 * The window a node's attributes describe, over spatial dimensions `dims`.
 * `fail` is called for padding that depends on a symbolic size.
 */
export function windowOf(
  node: GraphNode,
  kernel: readonly number[],
  dims: readonly Dim[],
  fail: (message: string) => never,
): Window {
  const rank = kernel.length;
  if (rank < 1 || rank > 2) fail(`has ${rank} spatial axes; 1 and 2 are covered`);
  const strides = getInts(node, 'strides') ?? new Array<number>(rank).fill(1);
  const dilations = getInts(node, 'dilations') ?? new Array<number>(rank).fill(1);
  const autoPad = getString(node, 'auto_pad', 'NOTSET');
  const pads = getInts(node, 'pads') ?? new Array<number>(2 * rank).fill(0);
  if (autoPad === 'NOTSET') {
    return { kernel, strides, dilations, before: pads.slice(0, rank), after: pads.slice(rank) };
  }
  const totals = dims.map((dim, i) => {
    if (autoPad === 'VALID') return 0;
    const reach = dilations[i] * (kernel[i] - 1);
    if (strides[i] === 1) return reach;
    if (isSymbolic(dim))
      return fail(`auto_pad ${autoPad} with stride ${strides[i]} over the symbolic size ${dimText(dim)}`);
    return Math.max(0, (Math.ceil(dim / strides[i]) - 1) * strides[i] + reach + 1 - dim);
  });
  const larger = totals.map((total) => Math.ceil(total / 2));
  const smaller = totals.map((total) => Math.floor(total / 2));
  const isLower = autoPad === 'SAME_LOWER';
  return { kernel, strides, dilations, before: isLower ? larger : smaller, after: isLower ? smaller : larger };
}

/** Size of each spatial axis after the window: `floor((size + pads - reach - 1) / stride) + 1`. */
export function windowedDims(window: Window, dims: readonly Dim[], ceilMode = false): Dim[] {
  const { kernel, strides, dilations, before, after } = window;
  return dims.map((dim, i) => {
    const room = addDims(dim, before[i] + after[i] - dilations[i] * (kernel[i] - 1) - 1);
    const steps = addDims(floorDivideDims(ceilMode ? addDims(room, strides[i] - 1) : room, strides[i]), 1);
    // A last window that would start in the padding behind the input is left out.
    if (ceilMode && !isSymbolic(steps) && !isSymbolic(dim) && (steps - 1) * strides[i] >= dim + before[i])
      return steps - 1;
    return steps;
  });
}

/** Whether the window only looks at one place and visits every place: a 1x1 convolution. */
export function isPointwise(window: Window): boolean {
  return window.kernel.every(
    (size, i) => size === 1 && window.strides[i] === 1 && window.before[i] === 0 && window.after[i] === 0,
  );
}

export function ceilModeOf(node: GraphNode): boolean {
  return getInt(node, 'ceil_mode', 0) === 1;
}

/** Two spatial axes where there is one: `[width]` becomes `[1, width]`. */
export function asPlane(window: Window): Window {
  if (window.kernel.length === 2) return window;
  const lead = (values: readonly number[], first: number) => [first, ...values];
  return {
    kernel: lead(window.kernel, 1),
    strides: lead(window.strides, 1),
    dilations: lead(window.dilations, 1),
    before: lead(window.before, 0),
    after: lead(window.after, 0),
  };
}

/** Output positions `[first, end)` whose tap at `offset` (from the padded start) falls inside an input of `size`. */
export function validRange(outSize: number, size: number, stride: number, offset: number): [number, number] {
  const first = Math.max(0, Math.ceil(-offset / stride));
  const end = Math.min(outSize, Math.floor((size - 1 - offset) / stride) + 1);
  return [first, Math.max(first, end)];
}
