import type { SlotContext } from '../coupling/slot-context.js';
import {
  addDims,
  type Dim,
  floorDivideDims,
  isSymbolic,
  multiplyDims,
  productOfDims,
  shapeText,
  subtractDims,
} from '../dim.js';
import { type GraphNode, getInt, getInts, int } from '../graph.js';
import { defineOp, type GradientContext, type InferContext, type OpRecord } from '../op-record.js';
import type { RewriteContext } from '../surgery/rewrite-context.js';
import { inputGradient, weightGradient } from './conv-gradient.js';
import { convolve, convolveTransposed } from './convolve.js';
import { macsOf } from './macs-of.js';
import { uncut } from './views.js';
import { isPointwise, type Window, windowedDims, windowOf } from './window.js';

/** Shape of a weight tensor, whose sizes are all known. */
function weightShape(context: Pick<InferContext, 'input'>, fail: (message: string) => never): readonly number[] {
  const { shape } = context.input(1);
  if (shape.some(isSymbolic)) fail(`weights ${shapeText(shape)} have a symbolic size`);
  return shape as number[];
}

/**
 * Spatial sizes where the weights' own are known only at run time: an activation slides over another, as in the gradient of
 * a convolution's weights.
 */
function slidDims(context: InferContext, kernel: readonly Dim[], spatial: readonly Dim[]): Dim[] {
  const { strides, dilations, before, after } = windowOf(
    context.node,
    kernel.map(() => 1),
    spatial,
    context.fail,
  );
  return spatial.map((dim, i) => {
    const reach = multiplyDims(subtractDims(kernel[i], 1), dilations[i]);
    const room = subtractDims(addDims(dim, before[i] + after[i] - 1), reach);
    return addDims(floorDivideDims(room, strides[i]), 1);
  });
}

const conv = defineOp({
  op: 'Conv',
  infer(context) {
    const x = context.input(0);
    const given = context.input(1).shape;
    const groups = getInt(context.node, 'group', 1);
    if (x.shape.length !== given.length)
      context.fail(`input ${shapeText(x.shape)} and weights ${shapeText(given)} differ in rank`);
    const read = multiplyDims(given[1], groups);
    if (!isSymbolic(x.shape[1]) && !isSymbolic(read) && x.shape[1] !== read) {
      context.fail(
        `input has ${x.shape[1]} channels; weights ${shapeText(given)} with ${groups} group(s) read ${read}`,
      );
    }
    const spatial = x.shape.slice(2);
    if (given.some(isSymbolic)) {
      return [{ dtype: x.dtype, shape: [x.shape[0], given[0], ...slidDims(context, given.slice(2), spatial)] }];
    }
    const w = given as readonly number[];
    const window = windowOf(context.node, w.slice(2), spatial, context.fail);
    return [{ dtype: x.dtype, shape: [x.shape[0], w[0], ...windowedDims(window, spatial)] }];
  },
  macs(context) {
    const perOutput = productOfDims(context.input(1).shape.slice(1));
    return macsOf(context, multiplyDims(productOfDims(context.output(0).shape), perOutput));
  },
  slots(context) {
    const groups = getInt(context.node, 'group', 1);
    const x = context.axes(0);
    const w = context.axes(1);
    context.role(1, 0, 'producer');
    context.role(1, 1, 'consumer', { input: 0, axis: 1 });
    if (groups === 1) context.join(x[1], w[1]);
    else context.convGroups(x[1], w[1], w[0], groups);
    if (context.has(2)) {
      context.join(context.axes(2)[0], w[0]);
      context.role(2, 0, 'bias');
    }
    context.set(0, [x[0], w[0], ...spatialAxes(context)]);
  },
  rewrite: rewriteGroups,
  gradient(context) {
    const { node, outputGradients } = context;
    const gradient = outputGradients[0];
    if (!gradient) return node.inputs.map(() => undefined);
    const xShape = context.input(0).shape;
    const wShape = weightShape(context, context.fail);
    const window = windowOf(node, wShape.slice(2), xShape.slice(2), context.fail);
    const groups = getInt(node, 'group', 1);
    const [x, w] = node.inputs;
    return [
      context.wants(0) ? inputGradient(context, gradient, x, xShape, w, wShape, window, groups) : undefined,
      context.wants(1) ? weightGradient(context, gradient, x, xShape, wShape, window, groups) : undefined,
      ...biasGradient(context, gradient),
    ];
  },
  evaluate(context) {
    const [x, w] = [context.input(0), context.input(1)];
    const window = windowOf(context.node, w.shape.slice(2), x.shape.slice(2), fail);
    return [convolve(x, w, context.inputs[2], window, getInt(context.node, 'group', 1))];
  },
});

function fail(message: string): never {
  throw new Error(message);
}

/** Spatial axes pass through a pointwise window; any other mixes neighbours, which must all stay. */
function spatialAxes(context: SlotContext): ReturnType<SlotContext['blank']>[] {
  const shape = context.input(0).shape.slice(2);
  const kernel = context.input(1).shape.slice(2) as number[];
  const window = windowOf(context.node, kernel, shape, fail);
  const axes = context.axes(0).slice(2);
  if (context.node.op === 'Conv' && isPointwise(window)) return [...axes];
  for (const axis of axes) context.pin(axis, 'spatial axis of a convolution');
  return context
    .output(0)
    .shape.slice(2)
    .map((dim) => uncut(context, dim, 'spatial axis of a convolution'));
}

/** Sum of the gradient over batch and space, if there is a bias. */
function biasGradient(context: GradientContext, gradient: string): (string | undefined)[] {
  const { builder, node } = context;
  if (node.inputs.length < 3) return [];
  if (!node.inputs[2] || !context.wants(2)) return [undefined];
  const axes = context
    .output(0)
    .shape.map((_, axis) => axis)
    .filter((axis) => axis !== 1);
  return [builder.op('ReduceSum', [gradient, builder.ints(axes)], { keepdims: int(0) })];
}

/** Whole conv groups that go are counted off; channels that go within conv groups must leave them equal. */
function rewriteGroups(context: RewriteContext): void {
  const groups = getInt(context.node, 'group', 1);
  if (groups === 1) return;
  const [out, perGroup] = context.oldInput(1).shape as number[];
  const kept = context.keptInput(0, 1);
  const keptOut = context.keptInput(1, 0);
  if (!kept && !keptOut) return;
  const inCounts = countPerGroup(kept, perGroup, groups);
  const outCounts = countPerGroup(keptOut, out / groups, groups);
  const alive = inCounts.filter((count) => count > 0);
  const aliveOut = outCounts.filter((count) => count > 0);
  const isEven =
    alive.every((count) => count === alive[0]) &&
    aliveOut.every((count) => count === aliveOut[0]) &&
    inCounts.every((count, i) => count > 0 === outCounts[i] > 0);
  if (!isEven || alive[0] !== (context.keptInput(1, 1)?.length ?? perGroup)) {
    context.fail(`its ${groups} conv groups would be left with unequal numbers of channels`);
  }
  if (alive.length !== groups) context.setAttribute('group', int(alive.length));
}

/** How many channels each conv group keeps. */
function countPerGroup(kept: readonly number[] | undefined, size: number, groups: number): number[] {
  const counts = new Array<number>(groups).fill(kept ? 0 : size);
  for (const index of kept ?? []) counts[Math.floor(index / size)]++;
  return counts;
}

const convTranspose = defineOp({
  op: 'ConvTranspose',
  infer(context) {
    const x = context.input(0);
    const w = weightShape(context, context.fail);
    if (!isSymbolic(x.shape[1]) && x.shape[1] !== w[0]) {
      context.fail(`input has ${x.shape[1]} channels; weights ${shapeText(w)} read ${w[0]}`);
    }
    const window = transposedWindow(context.node, w, context.fail);
    const spatial = transposedDims(context.node, window, x.shape.slice(2));
    return [{ dtype: x.dtype, shape: [x.shape[0], w[1] * getInt(context.node, 'group', 1), ...spatial] }];
  },
  macs(context) {
    const perInput = productOfDims(context.input(1).shape.slice(1));
    return macsOf(context, multiplyDims(productOfDims(context.input(0).shape), perInput));
  },
  slots(context) {
    const x = context.axes(0);
    const w = context.axes(1);
    const groups = getInt(context.node, 'group', 1);
    let out = w[1];
    if (groups === 1) {
      context.role(1, 0, 'consumer', { input: 0, axis: 1 });
      context.role(1, 1, 'producer');
      context.join(x[1], w[0]);
      if (context.has(2)) {
        context.join(context.axes(2)[0], out);
        context.role(2, 0, 'bias');
      }
    } else {
      const reason = 'a grouped transposed convolution';
      for (const axis of [x[1], w[0], w[1], ...(context.has(2) ? context.axes(2) : [])]) context.pin(axis, reason);
      out = uncut(context, context.output(0).shape[1], reason);
    }
    context.set(0, [x[0], out, ...spatialAxes(context)]);
  },
  gradient(context) {
    const { builder, node, outputGradients } = context;
    const gradient = outputGradients[0];
    if (!gradient) return node.inputs.map(() => undefined);
    const wShape = weightShape(context, context.fail);
    const { kernel, strides, dilations, before, after } = transposedWindow(node, wShape, context.fail);
    const window = { kernel, strides, dilations, before, after };
    const groups = getInt(node, 'group', 1);
    const attributes = {
      strides: { type: 'ints', value: strides },
      dilations: { type: 'ints', value: dilations },
      pads: { type: 'ints', value: [...before, ...after] },
      kernel_shape: { type: 'ints', value: kernel },
      group: int(groups),
    } as const;
    const [x, w] = node.inputs;
    return [
      // It is the input gradient of a convolution with the same weights, so its own gradient is that convolution.
      context.wants(0) ? builder.op('Conv', [gradient, w], attributes) : undefined,
      context.wants(1)
        ? weightGradient(context, x, gradient, context.output(0).shape, wShape, window, groups)
        : undefined,
      ...biasGradient(context, gradient),
    ];
  },
  evaluate(context) {
    const [x, w] = [context.input(0), context.input(1)];
    const window = transposedWindow(context.node, w.shape, fail);
    const spatial = transposedDims(context.node, window, x.shape.slice(2)) as number[];
    return [convolveTransposed(x, w, context.inputs[2], window, getInt(context.node, 'group', 1), spatial)];
  },
});

function transposedWindow(node: GraphNode, w: readonly number[], fail: (message: string) => never): Window {
  if (node.attributes.output_shape) fail('output_shape is not covered; give output_padding');
  return windowOf(node, w.slice(2), [], fail);
}

/** `stride * (size - 1) + reach + 1 - pads + output_padding`. */
function transposedDims(node: GraphNode, window: Window, dims: readonly Dim[]): Dim[] {
  const { kernel, strides, dilations, before, after } = window;
  const extra = getInts(node, 'output_padding') ?? kernel.map(() => 0);
  return dims.map((dim, i) => {
    const reach = dilations[i] * (kernel[i] - 1);
    return addDims(multiplyDims(addDims(dim, -1), strides[i]), reach + 1 - before[i] - after[i] + extra[i]);
  });
}

export const convOps: readonly OpRecord[] = [conv, convTranspose];
