import type { SlotContext } from '../coupling/slot-context.js';
import { isSymbolic } from '../dim.js';
import { type GraphNode, getInt, getInts, int } from '../graph.js';
import { defineOp, type GradientContext, type InferContext, type OpRecord, type ValueType } from '../op-record.js';
import { allocate, castTensor, float32, sizeOf, type Tensor, tensor } from '../tensor.js';
import { inputGradient } from './conv-gradient.js';
import { dtypeNumber } from './element-types.js';
import { uncut } from './views.js';
import { asPlane, ceilModeOf, type Window, windowedDims, windowOf } from './window.js';

function poolWindow(context: Pick<InferContext, 'node' | 'input'>, fail: (message: string) => never): Window {
  const kernel = getInts(context.node, 'kernel_shape') ?? fail('has no kernel_shape');
  return windowOf(context.node, kernel, context.input(0).shape.slice(2), fail);
}

function inferPool(context: InferContext): ValueType[] {
  if (context.node.outputs.length > 1) context.fail('its indices output is not covered');
  const { dtype, shape } = context.input(0);
  const spatial = windowedDims(poolWindow(context, context.fail), shape.slice(2), ceilModeOf(context.node));
  return [{ dtype, shape: [...shape.slice(0, 2), ...spatial] }];
}

/** Batch and channels pass through; a window mixes neighbours in space. */
function poolSlots(context: SlotContext): void {
  const axes = context.axes(0);
  for (const axis of axes.slice(2)) context.pin(axis, 'spatial axis of a pooling');
  const spatial = context.output(0).shape.slice(2);
  context.set(0, [...axes.slice(0, 2), ...spatial.map((dim) => uncut(context, dim, 'spatial axis of a pooling'))]);
}

function fail(message: string): never {
  throw new Error(message);
}

/** Applies `reduce(values inside the input, number of places of the window)` at every position. */
function pool(node: GraphNode, x: Tensor, reduce: (values: number[], places: number) => number): Tensor {
  const window = windowOf(node, getInts(node, 'kernel_shape')!, x.shape.slice(2), fail);
  const spatial = windowedDims(window, x.shape.slice(2), ceilModeOf(node)) as number[];
  const plane = asPlane(window);
  const [height, width] = x.shape.length === 4 ? x.shape.slice(2) : [1, x.shape[2]];
  const [outHeight, outWidth] = spatial.length === 2 ? spatial : [1, spatial[0]];
  const planes = x.shape[0] * x.shape[1];
  const data = allocate(x.dtype, planes * outHeight * outWidth);
  for (let to = 0; to < data.length; to++) {
    const [oy, ox] = [Math.floor(to / outWidth) % outHeight, to % outWidth];
    const base = Math.floor(to / (outHeight * outWidth)) * height * width;
    const values: number[] = [];
    let places = 0;
    for (let tap = 0; tap < plane.kernel[0] * plane.kernel[1]; tap++) {
      const y = oy * plane.strides[0] + Math.floor(tap / plane.kernel[1]) * plane.dilations[0] - plane.before[0];
      const z = ox * plane.strides[1] + (tap % plane.kernel[1]) * plane.dilations[1] - plane.before[1];
      // Places beyond the padding exist only through ceil_mode and count for nothing.
      if (y < height + plane.after[0] && z < width + plane.after[1]) places++;
      if (y >= 0 && y < height && z >= 0 && z < width) values.push(Number(x.data[base + y * width + z]));
    }
    data[to] = reduce(values, places);
  }
  return tensor(x.dtype, [...x.shape.slice(0, 2), ...spatial], data);
}

const averagePool = defineOp({
  op: 'AveragePool',
  infer: inferPool,
  slots: poolSlots,
  gradient: averageGradient,
  evaluate(context) {
    const includesPads = getInt(context.node, 'count_include_pad', 0) === 1;
    const mean = (values: number[], places: number) =>
      values.reduce((sum, value) => sum + value, 0) / (includesPads ? places : values.length);
    return [pool(context.node, context.input(0), mean)];
  },
});

/** An average is a convolution, channel by channel, with a constant weight, and has its gradient. */
function averageGradient(context: GradientContext): (string | undefined)[] {
  const { builder, node, outputGradients } = context;
  const gradient = outputGradients[0];
  if (!gradient || !context.wants(0)) return [undefined];
  const window = poolWindow(context, context.fail);
  const isPadded = [...window.before, ...window.after].some((pad) => pad > 0);
  if (isPadded && getInt(node, 'count_include_pad', 0) === 0) {
    context.fail('windows over padding that is not counted are not covered');
  }
  if (ceilModeOf(node)) context.fail('ceil_mode is not covered');
  const { shape } = context.input(0);
  const channels = shape[1];
  if (isSymbolic(channels)) return context.fail('its number of channels is symbolic');
  const wShape = [channels, 1, ...window.kernel];
  const places = sizeOf(window.kernel);
  const mean = float32(wShape, new Float32Array(channels * places).fill(1 / places));
  const w = builder.tensor(castTensor(mean, context.input(0).dtype));
  return [inputGradient(context, gradient, node.inputs[0], shape, w, wShape, window, channels)];
}

const maxPool = defineOp({
  op: 'MaxPool',
  infer: inferPool,
  slots: poolSlots,
  gradient: (context) => context.fail('max pooling is covered forwards only'),
  evaluate: (context) => [pool(context.node, context.input(0), (values) => Math.max(...values))],
});

const globalAveragePool = defineOp({
  op: 'GlobalAveragePool',
  infer(context) {
    const { dtype, shape } = context.input(0);
    return [{ dtype, shape: [...shape.slice(0, 2), ...shape.slice(2).map(() => 1)] }];
  },
  slots: poolSlots,
  gradient(context) {
    const { builder, node, outputGradients } = context;
    const gradient = outputGradients[0];
    if (!gradient || !context.wants(0)) return [undefined];
    const { dtype, shape } = context.input(0);
    const count = builder.op('Div', [builder.op('Size', [node.inputs[0]]), builder.op('Size', [gradient])]);
    const part = builder.op('Div', [gradient, builder.op('Cast', [count], { to: int(dtypeNumber(dtype)) })]);
    return [builder.op('Expand', [part, context.shapeValue(shape, node.inputs[0])])];
  },
  evaluate(context) {
    const x = context.input(0);
    const planes = x.shape[0] * x.shape[1];
    const area = x.data.length / planes;
    const data = allocate(x.dtype, planes);
    for (let i = 0; i < planes; i++) {
      let sum = 0;
      for (let j = 0; j < area; j++) sum += Number(x.data[i * area + j]);
      data[i] = sum / area;
    }
    return [tensor(x.dtype, [...x.shape.slice(0, 2), ...x.shape.slice(2).map(() => 1)], data)];
  },
});

export const poolOps: readonly OpRecord[] = [averagePool, maxPool, globalAveragePool];
