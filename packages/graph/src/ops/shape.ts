import type { SlotContext } from '../coupling/slot-context.js';
import {
  type Dim,
  dimEquals,
  dimText,
  divideExactly,
  floorDivideDims,
  isSymbolic,
  productOfDims,
  shapeText,
  symbol,
} from '../dim.js';
import { type GraphNode, getInt, getInts } from '../graph.js';
import { defineOp, type GradientContext, type InferContext, type OpRecord } from '../op-record.js';
import type { RewriteContext } from '../surgery/rewrite-context.js';
import { int64, sizeOf, toNumbers } from '../tensor.js';
import { intType, knownNumbers, normalAxis, reshaped, transposed } from './views.js';

/** Gradient of anything that only lays the elements out anew: the same elements in the input's shape. */
export function reshapeBack(context: GradientContext): (string | undefined)[] {
  const { builder, node, outputGradients } = context;
  const gradient = outputGradients[0];
  if (!gradient || !context.wants(0)) return [undefined];
  const shape = context.input(0).shape;
  return [builder.op('Reshape', [gradient, context.shapeValue(shape, node.inputs[0])])];
}

const reshape = defineOp({
  op: 'Reshape',
  infer(context) {
    const { dtype, shape: from, elements } = context.input(0);
    return [intType(dtype, reshapeTarget(context, from), elements)];
  },
  slots: reshapeSlots,
  rewrite: rewriteReshape,
  gradient: reshapeBack,
  evaluate(context) {
    const x = context.input(0);
    const target = toNumbers(context.input(1));
    const allowZero = getInt(context.node, 'allowzero', 0) === 1;
    const shape = target.map((size, i) => (size === 0 && !allowZero ? x.shape[i] : size));
    const open = shape.indexOf(-1);
    if (open >= 0) shape[open] = x.data.length / -sizeOf(shape);
    return [reshaped(x, shape)];
  },
});

function reshapeTarget(context: InferContext, from: readonly Dim[]): Dim[] {
  const target = context.elements(1);
  if (!target) return unknownTarget(context);
  const allowZero = getInt(context.node, 'allowzero', 0) === 1;
  const shape = target.map((dim, i) => {
    if (dim !== 0 || allowZero) return dim;
    return (
      from[i] ??
      context.fail(`0 at position ${i} of target ${shapeText(target)} copies nothing: input is ${shapeText(from)}`)
    );
  });
  const open = shape.indexOf(-1);
  if (open < 0) {
    const [given, asked] = [productOfDims(from), productOfDims(shape)];
    if (typeof given === 'number' && typeof asked === 'number' && given !== asked) {
      context.fail(`cannot reshape ${shapeText(from)} (${given} elements) to ${shapeText(shape)} (${asked} elements)`);
    }
    return shape;
  }
  shape[open] = remainingDim(context, from, shape, open);
  return shape;
}

/** The dimension written `-1`: what is left of the input's size. Equal dimensions are cancelled before dividing. */
function remainingDim(context: InferContext, from: readonly Dim[], target: readonly Dim[], open: number): Dim {
  const above = [...from];
  const below: Dim[] = [];
  target.forEach((dim, i) => {
    if (i === open) return;
    const twin = above.findIndex((other) => dimEquals(other, dim));
    if (twin >= 0) above.splice(twin, 1);
    else below.push(dim);
  });
  const [size, rest] = [productOfDims(above), productOfDims(below)];
  const exact = divideExactly(size, rest);
  if (exact !== undefined) return exact;
  if (typeof size === 'number' && typeof rest === 'number') {
    context.fail(`cannot reshape ${shapeText(from)} to ${shapeText(target)}: ${size} is not a multiple of ${rest}`);
  }
  return floorDivideDims(size, rest);
}

/** A target that is known only at run time: a new symbol for every dimension. */
function unknownTarget(context: InferContext): Dim[] {
  const rank = context.input(1).shape[0];
  if (typeof rank !== 'number') context.fail('the rank of its target is not known before running');
  return Array.from({ length: rank as number }, (_, i) =>
    symbol(`${context.node.outputs[0].replace(/[^\w.]/g, '_')}_dim${i}`),
  );
}

/**
 * Where sizes that only a run knows to be equal hide what the leading axes become (a picture of even height, unflattened to
 * twice its half), the axes that end both shapes alike still go on as they are.
 */
function reshapeSlots(context: SlotContext): void {
  const [from, to] = [context.input(0).shape, context.output(0).shape];
  const axes = context.axes(0);
  let kept = 0;
  while (kept < Math.min(from.length, to.length) && dimEquals(from.at(-1 - kept)!, to.at(-1 - kept)!)) kept++;
  const rest = [from.slice(0, from.length - kept), to.slice(0, to.length - kept)];
  const isOpen = rest.flat().every((dim) => isSymbolic(dim) || dim === 1);
  if (kept === 0 || !isOpen || dimEquals(productOfDims(rest[0]), productOfDims(rest[1]))) {
    context.set(0, context.reshape(axes, 0));
    return;
  }
  for (const axis of axes.slice(0, rest[0].length))
    context.pin(axis, 'reshaped in a way that mixes it with other axes');
  context.set(0, [...rest[1].map(() => context.blank()), ...axes.slice(rest[0].length)]);
}

function rewriteReshape(context: RewriteContext): void {
  const old = context.oldOutput(0).shape;
  const kept = old.map((_, axis) => context.keptOutput(0, axis));
  if (kept.every((indices) => !indices)) return;
  const allowZero = getInt(context.node, 'allowzero', 0) === 1;
  const target = context.numbers(1);
  const elements = target ?? context.oldInput(1).elements;
  const copies = (axis: number) =>
    !allowZero && elements?.[axis] === 0 && context.keptInput(0, axis)?.length === kept[axis]?.length;
  const follows = (axis: number) => !kept[axis] || elements?.[axis] === -1 || copies(axis);
  if (old.every((_, axis) => follows(axis))) return;
  if (!target) {
    // A target read off another value at run time shrinks with that value; where it can be written down, it is.
    const written = writtenTarget(context, old, kept, allowZero);
    if (written) context.setInput(1, int64(written));
    return;
  }
  context.setInput(1, int64(target.map((size, axis) => (follows(axis) ? size : kept[axis]!.length))));
}

/** The new target as constants: counts, 0 for a symbol that is copied, -1 for the one that is not; if that says it all. */
function writtenTarget(
  context: RewriteContext,
  old: readonly Dim[],
  kept: readonly (readonly number[] | undefined)[],
  allowZero: boolean,
): number[] | undefined {
  const from = context.oldInput(0).shape;
  const target = old.map((dim, axis) => {
    if (typeof dim === 'number') return kept[axis]?.length ?? dim;
    return !allowZero && from[axis] !== undefined && dimEquals(from[axis], dim) ? 0 : -1;
  });
  return target.filter((dim) => dim === -1).length <= 1 ? target : undefined;
}

const flatten = defineOp({
  op: 'Flatten',
  infer(context) {
    const { dtype, shape } = context.input(0);
    const axis = flattenAxis(context.node, shape.length);
    return [{ dtype, shape: [productOfDims(shape.slice(0, axis)), productOfDims(shape.slice(axis))] }];
  },
  slots: (context) => context.set(0, context.reshape(context.axes(0), 0)),
  gradient: reshapeBack,
  evaluate(context) {
    const x = context.input(0);
    const axis = flattenAxis(context.node, x.shape.length);
    return [reshaped(x, [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))])];
  },
});

function flattenAxis(node: GraphNode, rank: number): number {
  const axis = getInt(node, 'axis', 1);
  return axis < 0 ? axis + rank : axis;
}

const transpose = defineOp({
  op: 'Transpose',
  infer(context) {
    const { dtype, shape, elements } = context.input(0);
    const perm = permutation(context.node, shape.length);
    if (perm.length !== shape.length || new Set(perm).size !== perm.length || perm.some((axis) => !(axis in shape))) {
      context.fail(`perm [${perm}] is no permutation of the ${shape.length} axes of ${shapeText(shape)}`);
    }
    return [
      intType(
        dtype,
        perm.map((axis) => shape[axis]),
        elements,
      ),
    ];
  },
  slots(context) {
    const axes = context.axes(0);
    context.set(
      0,
      permutation(context.node, axes.length).map((axis) => axes[axis]),
    );
  },
  gradient(context) {
    const gradient = context.outputGradients[0];
    if (!gradient || !context.wants(0)) return [undefined];
    const perm = permutation(context.node, context.input(0).shape.length);
    const inverse = perm.map((_, axis) => perm.indexOf(axis));
    return [context.builder.op('Transpose', [gradient], { perm: { type: 'ints', value: inverse } })];
  },
  evaluate(context) {
    const x = context.input(0);
    return [transposed(x, permutation(context.node, x.shape.length))];
  },
});

function permutation(node: GraphNode, rank: number): readonly number[] {
  return getInts(node, 'perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
}

const squeeze = defineOp({
  op: 'Squeeze',
  infer(context) {
    const { dtype, shape, elements } = context.input(0);
    const gone = squeezedAxes(context, shape, knownNumbers(context, 1), context.has(1));
    return [
      intType(
        dtype,
        shape.filter((_, axis) => !gone.includes(axis)),
        elements,
      ),
    ];
  },
  slots(context) {
    const shape = context.input(0).shape;
    const given = context.has(1) ? context.numbers(1) : undefined;
    const gone = squeezedAxes({ node: context.node, fail: unreachable }, shape, given, context.has(1));
    context.set(
      0,
      context.axes(0).filter((_, axis) => !gone.includes(axis)),
    );
  },
  gradient: reshapeBack,
  evaluate(context) {
    const x = context.input(0);
    const given = context.inputs[1] && toNumbers(context.inputs[1]);
    const gone = squeezedAxes({ node: context.node, fail: unreachable }, x.shape, given, !!given);
    return [
      reshaped(
        x,
        x.shape.filter((_, axis) => !gone.includes(axis)),
      ),
    ];
  },
});

function squeezedAxes(
  context: Pick<InferContext, 'node' | 'fail'>,
  shape: readonly Dim[],
  input: readonly number[] | undefined,
  hasInput: boolean,
): number[] {
  const given = input ?? getInts(context.node, 'axes');
  if (!given && hasInput) context.fail('its axes are not known before running');
  if (!given) return [...shape.keys()].filter((axis) => shape[axis] === 1);
  const axes = given.map((axis) => normalAxis(axis, shape.length, context.fail));
  for (const axis of axes) {
    if (typeof shape[axis] === 'number' && shape[axis] !== 1) {
      context.fail(`axis ${axis} of ${shapeText(shape)} has size ${dimText(shape[axis])}; only size 1 can be squeezed`);
    }
  }
  return axes;
}

const unsqueeze = defineOp({
  op: 'Unsqueeze',
  infer(context) {
    const { dtype, shape, elements } = context.input(0);
    const given = knownNumbers(context, 1) ?? getInts(context.node, 'axes');
    if (!given) return context.fail('its axes are not known before running');
    return [intType(dtype, insertAt(shape, given, 1 as Dim, context.fail), elements)];
  },
  slots(context) {
    const given = (context.has(1) ? context.numbers(1) : undefined) ?? getInts(context.node, 'axes')!;
    context.set(0, insertAt(context.axes(0), given, context.blank(), unreachable));
  },
  gradient: reshapeBack,
  evaluate(context) {
    const x = context.input(0);
    const given = context.inputs[1] ? toNumbers(context.inputs[1]) : getInts(context.node, 'axes')!;
    return [reshaped(x, insertAt(x.shape, given, 1, unreachable))];
  },
});

/** `items` with `item` at each of the result's positions `axes`. */
function insertAt<T>(items: readonly T[], axes: readonly number[], item: T, fail: (message: string) => never): T[] {
  const rank = items.length + axes.length;
  const at = new Set(axes.map((axis) => normalAxis(axis, rank, fail)));
  const rest = [...items];
  return Array.from({ length: rank }, (_, i) => (at.has(i) ? item : rest.shift()!));
}

/** Stands for `fail` where inference has checked already. */
export function unreachable(message: string): never {
  throw new Error(message);
}

export const shapeOps: readonly OpRecord[] = [reshape, flatten, transpose, squeeze, unsqueeze];
