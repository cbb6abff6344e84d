import { addDims, type Dim, dimText, isSymbolic, subtractDims } from '../dim.js';
import { int } from '../graph.js';
import { defineOp, type GradientContext, type InferContext, type OpRecord } from '../op-record.js';
import type { RewriteContext } from '../surgery/rewrite-context.js';
import { int64, stridesOf, toNumbers } from '../tensor.js';
import { unknownDim } from './generate.js';
import { copyView, intType, knownNumbers, normalAxis } from './views.js';

/** Above this, an end means "to the end of the axis"; exporters write 2^63-1 or 2^31-1. */
const openEnd = 2 ** 31 - 1;

/** What a Slice does to one axis: bounds as written, and the step. */
interface Cut {
  readonly start: Dim;
  readonly end: Dim;
  readonly step: number;
}

/** Reads one integer vector input; `undefined` when it is left out or unknown. */
type Reader = (i: number) => readonly Dim[] | undefined;

function readCuts(read: Reader, rank: number, fail: (message: string) => never): Map<number, Cut> | undefined {
  const [starts, ends, axes, steps] = [read(1), read(2), read(3), read(4)];
  if (!starts || !ends) return undefined;
  const cuts = new Map<number, Cut>();
  starts.forEach((start, i) => {
    const axis = normalAxis(Number(axes?.[i] ?? i), rank, fail);
    const step = Number(steps?.[i] ?? 1);
    if (step === 0) fail(`step ${i} is 0`);
    cuts.set(axis, { start, end: ends[i], step });
  });
  return cuts;
}

/** Indices of an axis of `size` that a cut takes, in its order, as ONNX clamps them. */
export function sliceIndices(size: number, start: number, end: number, step: number): number[] {
  const clamp = (at: number, low: number, high: number) => Math.min(Math.max(at < 0 ? at + size : at, low), high);
  const indices: number[] = [];
  if (step > 0) {
    const stop = clamp(end, 0, size);
    for (let i = clamp(start, 0, size); i < stop; i += step) indices.push(i);
  } else {
    const stop = clamp(end, -1, size - 1);
    for (let i = clamp(start, 0, size - 1); i > stop; i += step) indices.push(i);
  }
  return indices;
}

/** Size after a cut. Bounds that compare with a symbol are taken to lie inside the axis, as they must when the model runs. */
function cutSize(context: InferContext, dim: Dim, { start, end, step }: Cut, axis: number): Dim {
  if (!isSymbolic(dim) && !isSymbolic(start) && !isSymbolic(end)) return sliceIndices(dim, start, end, step).length;
  const toEnd = !isSymbolic(end) && end >= openEnd;
  if (step === 1) {
    const from = !isSymbolic(start) && start < 0 ? addDims(dim, start) : start;
    const to = toEnd ? dim : !isSymbolic(end) && end < 0 ? addDims(dim, end) : end;
    return subtractDims(to, from);
  }
  if (step === -1 && start === -1 && !isSymbolic(end) && end <= -openEnd) return dim;
  return unknownDim(context, axis);
}

function isWhole(dim: Dim, { start, end, step }: Cut): boolean {
  return (
    start === 0 &&
    step === 1 &&
    (isSymbolic(end) || isSymbolic(dim) ? dimText(end) === dimText(dim) || (end as number) >= openEnd : end >= dim)
  );
}

export const sliceRecord: OpRecord = defineOp({
  op: 'Slice',
  infer(context) {
    const { dtype, shape, elements } = context.input(0);
    const axes = context.has(3) ? knownNumbers(context, 3) : [];
    if (!axes) return context.fail('its axes are not known before running');
    const cuts = readCuts((i) => (context.has(i) ? context.elements(i) : undefined), shape.length, context.fail);
    // Bounds known only at run time: the axes they belong to are known all the same.
    const touched = (axis: number) =>
      context.has(3) ? axes.some((one) => (one + shape.length) % shape.length === axis) : true;
    const out = shape.map((dim, axis) => {
      if (!cuts) return touched(axis) ? unknownDim(context, axis) : dim;
      const cut = cuts.get(axis);
      return cut ? cutSize(context, dim, cut, axis) : dim;
    });
    return [intType(dtype, out, cuts && elements && cutElements(elements, cuts.get(0)))];
  },
  slots(context) {
    const { shape } = context.input(0);
    const cuts = readCuts(
      (i) => (context.has(i) ? (context.input(i).elements ?? context.numbers(i)) : undefined),
      shape.length,
      fail,
    );
    context.set(
      0,
      context.axes(0).map((axis, i) => {
        const cut = cuts?.get(i);
        const dim = shape[i];
        if (cuts ? !cut || isWhole(dim, cut) : context.output(0).shape[i] === dim) return axis;
        if (isSymbolic(dim)) return context.blank();
        if (!cut || isSymbolic(cut.start) || isSymbolic(cut.end)) {
          context.pin(axis, 'sliced to bounds known only at run time');
          return context.blank();
        }
        const indices = sliceIndices(dim, cut.start, cut.end, cut.step);
        if (cut.step !== 1) return context.pick(axis, indices);
        const first = indices[0] ?? 0;
        return context.split(axis, [first, indices.length, dim - first - indices.length])[1];
      }),
    );
  },
  rewrite: rewriteSlice,
  gradient(context) {
    const none = context.node.inputs.slice(1).map(() => undefined);
    const gradient = context.outputGradients[0];
    if (!gradient || !context.wants(0)) return [undefined, ...none];
    return [sliceGradient(context, gradient), ...none];
  },
  evaluate(context) {
    const x = context.input(0);
    const read: Reader = (i) => context.inputs[i] && toNumbers(context.inputs[i]);
    const cuts = readCuts(read, x.shape.length, fail)!;
    const strides = stridesOf(x.shape);
    let offset = 0;
    const shape = x.shape.map((size, axis) => {
      const cut = cuts.get(axis);
      if (!cut) return size;
      const indices = sliceIndices(size, cut.start as number, cut.end as number, cut.step);
      offset += (indices[0] ?? 0) * strides[axis];
      strides[axis] *= cut.step;
      return indices.length;
    });
    return [copyView(x, shape, strides, offset)];
  },
});

function fail(message: string): never {
  throw new Error(message);
}

function cutElements(elements: readonly Dim[], cut: Cut | undefined): readonly Dim[] | undefined {
  if (!cut) return elements;
  if (isSymbolic(cut.start) || isSymbolic(cut.end)) return undefined;
  return sliceIndices(elements.length, cut.start, cut.end, cut.step).map((i) => elements[i]);
}

/** New bounds around the survivors of every cut axis; they must still lie a step apart. */
function rewriteSlice(context: RewriteContext): void {
  const { shape } = context.oldInput(0);
  const cuts = readCuts((i) => (context.has(i) ? context.numbers(i) : undefined), shape.length, context.fail);
  const axes = context.has(3) ? context.numbers(3)?.map((axis) => (axis + shape.length) % shape.length) : undefined;
  const isSliced = (axis: number) => (cuts ? cuts.has(axis) : (axes?.includes(axis) ?? true));
  const touched = [...shape.keys()].filter((axis) => context.keptInput(0, axis) && isSliced(axis));
  if (touched.length === 0) return;
  if (!cuts) context.fail(`axis ${touched[0]} shrinks, but the bounds are computed at run time`);
  const starts: number[] = [];
  const ends: number[] = [];
  for (const [axis, cut] of cuts) {
    const kept = context.keptInput(0, axis);
    const bounds = kept ? newBounds(context, kept, shape[axis] as number, cut, axis) : cut;
    starts.push(bounds.start as number);
    // 2^63 - 1, rounded up to 2^63 as a number, would not fit again.
    ends.push(Math.min(bounds.end as number, openEnd));
  }
  context.setInput(1, int64(starts));
  context.setInput(2, int64(ends));
}

function newBounds(
  context: RewriteContext,
  kept: readonly number[],
  size: number,
  cut: Cut,
  axis: number,
): Pick<Cut, 'start' | 'end'> {
  const position = new Map(kept.map((old, now) => [old, now]));
  const taken = sliceIndices(size, cut.start as number, cut.end as number, cut.step)
    .map((old) => position.get(old))
    .filter((now) => now !== undefined);
  if (taken.length === 0) return { start: 0, end: 0 };
  if (taken.some((now, i) => now !== taken[0] + i * cut.step)) {
    context.fail(`what remains of axis ${axis} no longer lies ${cut.step} apart`);
  }
  const last = taken[taken.length - 1];
  const end = last + Math.sign(cut.step);
  return { start: taken[0], end: end < 0 ? -openEnd : end };
}

/** The gradient laid back into zeros of the input's shape. */
function sliceGradient(context: GradientContext, gradient: string): string {
  const { builder, node } = context;
  const from = context.input(0).shape;
  const to = context.output(0).shape;
  const read: Reader = (i) => {
    const value = node.inputs[i] ? (context.input(i).elements ?? context.constant(i)) : undefined;
    return value && ('data' in value ? toNumbers(value) : value);
  };
  const cuts = readCuts(read, from.length, context.fail);
  if (!cuts) context.fail('its bounds are not known before running');
  const before: Dim[] = from.map(() => 0);
  let isNumeric = true;
  let result = gradient;
  let lengths: Dim[] = [...to];
  for (const [axis, cut] of cuts) {
    if (cut.step < 0) context.fail(`step ${cut.step} on axis ${axis} is negative`);
    if (isWhole(from[axis], cut)) continue;
    before[axis] = firstIndex(from[axis], cut.start);
    if (cut.step > 1) {
      result = spread(context, result, lengths, axis, cut.step, subtractDims(from[axis], before[axis]));
      lengths = lengths.map((dim, i) => (i === axis ? subtractDims(from[axis], before[axis]) : dim));
    }
    isNumeric &&=
      typeof before[axis] === 'number' &&
      typeof subtractDims(subtractDims(from[axis], before[axis]), lengths[axis]) === 'number';
  }
  const after = from.map((dim, axis) => subtractDims(subtractDims(dim, before[axis]), lengths[axis]));
  if ([...before, ...after].every((pad) => pad === 0)) return result;
  if (isNumeric) return builder.op('Pad', [result, builder.ints([...before, ...after] as number[])]);
  const starts = before.some(isSymbolic) ? startsAtRun(context, before) : builder.ints(before as number[]);
  const rest = builder.op('Sub', [
    builder.op('Sub', [builder.op('Shape', [node.inputs[0]]), builder.op('Shape', [result])]),
    starts,
  ]);
  return builder.op('Pad', [result, builder.op('Concat', [starts, rest], { axis: int(0) })]);
}

/**
 * First indices along every axis, read from the slice's own starts where they are known only at run time. Such a start lies
 * inside the axis, as its size is worked out.
 */
function startsAtRun(context: GradientContext, before: readonly Dim[]): string {
  const { builder, node } = context;
  const axes = context.node.inputs[3] ? context.input(3).elements : undefined;
  const parts = before.map((dim, axis) => {
    if (!isSymbolic(dim)) return builder.ints([dim]);
    const at = axes ? axes.findIndex((one) => (Number(one) + before.length) % before.length === axis) : axis;
    return builder.op('Cast', [builder.op('Gather', [node.inputs[1], builder.ints([at])])], { to: int(7) });
  });
  return builder.op('Concat', parts, { axis: int(0) });
}

function firstIndex(dim: Dim, start: Dim): Dim {
  return !isSymbolic(start) && start < 0 ? addDims(dim, start) : start;
}

/** `step - 1` zeros after every index of `axis`, cut to `length`. */
function spread(
  context: GradientContext,
  x: string,
  shape: readonly Dim[],
  axis: number,
  step: number,
  length: Dim,
): string {
  const { builder } = context;
  const size = shape[axis];
  if (isSymbolic(size) || isSymbolic(length))
    return context.fail(`axis ${axis} is sliced with step ${step} and has a symbolic size`);
  const apart = builder.op('Unsqueeze', [x, builder.ints([axis + 1])]);
  const pads = new Array<number>(2 * (shape.length + 1)).fill(0);
  pads[shape.length + 1 + axis + 1] = step - 1;
  const filled = builder.op('Pad', [apart, builder.ints(pads)]);
  const target = shape.map((dim, i) => (i === axis ? size * step : dim));
  const merged = builder.op('Reshape', [filled, mergedTarget(context, target, axis, x)]);
  if (size * step <= length) return merged;
  return builder.op('Slice', [merged, builder.ints([0]), builder.ints([length]), builder.ints([axis])]);
}

function mergedTarget(context: GradientContext, target: readonly Dim[], axis: number, like: string): string {
  const { builder } = context;
  if (target.every((dim) => !isSymbolic(dim))) return builder.ints(target as number[]);
  const parts = target.map((dim, i) => {
    if (!isSymbolic(dim)) return builder.ints([dim]);
    if (i === axis) context.fail('unreachable: the merged axis is numeric');
    return builder.op('Gather', [builder.op('Shape', [like]), builder.ints([i])]);
  });
  return builder.op('Concat', parts, { axis: int(0) });
}
