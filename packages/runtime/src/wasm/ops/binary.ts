import { sizeOf } from '@secateur/graph';
import type { Runtime } from '@secateur/sparse-wasm';
import type { Lowering } from '../lowering.js';
import type { PendingProduct } from '../pending.js';
import type { Step } from '../step.js';
import { collapse, eachOuter } from '../strided.js';
import { broadcastView, isDense, orderOf, reshapeView, type View } from '../view.js';
import type { NodeContext, OpLowering } from './op-lowering.js';

export type Operator = 'Add' | 'Sub' | 'Mul' | 'Div';

const add: OpLowering = {
  op: 'Add',
  lower(context) {
    const shape = context.outputShape();
    const sum = fused(context, shape, 0) ?? fused(context, shape, 1);
    return [sum ?? broadcast(context, 'Add', shape)];
  },
};

const mul: OpLowering = {
  op: 'Mul',
  lower(context) {
    return [scaled(context, 0, 1) ?? scaled(context, 1, 0) ?? broadcast(context, 'Mul', context.outputShape())];
  },
};

const div: OpLowering = {
  op: 'Div',
  lower: (context) => [scaled(context, 0, 1, true) ?? broadcast(context, 'Div', context.outputShape())],
};

const sub: OpLowering = { op: 'Sub', lower: (context) => [broadcast(context, 'Sub', context.outputShape())] };

export const binaryLowerings: readonly OpLowering[] = [add, sub, mul, div];

/** Input `i` times, or over, the number that input `k` is: computed by whoever reads it. */
function scaled(context: NodeContext, i: number, k: number, isDivided = false): View | undefined {
  const factor = context.scalar(k);
  if (factor === undefined || context.constant(i) || context.isShared) return undefined;
  const view = context.view(i);
  if (view.shape.join() !== context.outputShape().join()) return undefined;
  return { ...view, factor: (view.factor ?? 1) * (isDivided ? 1 / factor : factor) };
}

/**
 * The sum as part of a layer that is pending: input `i` of the node. A constant of every channel is a bias, a tensor of every
 * image and channel a bias of that image, one of the result's shape a residual.
 */
function fused(context: NodeContext, shape: readonly number[], i: number): View | undefined {
  const { lowering } = context;
  const view = context.value(i).kind === 'view' ? context.view(i) : undefined;
  const product = view?.buffer.pending;
  if (!view || product?.kind !== 'product' || view.buffer.shared || view.factor !== undefined) return undefined;
  if (view.shape.join() !== shape.join() || view.offset !== 0 || sizeOf(shape) !== view.buffer.size) return undefined;
  const constant = context.constant(1 - i);
  const channel = channelAxis(view, product);
  if (constant && !product.imageBias && variesAlong(constant.shape, shape, [channel])) {
    product.biases.push(constant);
    return view;
  }
  if (constant) return undefined;
  const other = context.view(1 - i);
  const image = imageAxis(view, product);
  if (variesAlong(other.shape, shape, [image, channel])) {
    return takeImageBias(lowering, view, product, other, image, channel) ? view : undefined;
  }
  if (other.shape.join() !== shape.join() || product.residual) return undefined;
  // Of two layers that wait the one with more work takes the other's result.
  const rival = other.buffer.pending;
  if (rival?.kind === 'product' && rival.layer.macs > product.layer.macs && !other.buffer.shared) return undefined;
  const residual = lowering.dense(other, orderOf(view));
  if (view.buffer.pending !== product) return undefined;
  product.residual = residual;
  return view;
}

/** The axis of a view that counts the layer's channels, and the one that counts its images; -1 for none. */
function channelAxis(view: View, { pixels, outputs }: PendingProduct): number {
  return view.shape.findIndex((size, axis) => size === outputs && view.strides[axis] === pixels);
}

function imageAxis(view: View, { pixels, outputs, batch }: PendingProduct): number {
  return batch === 1
    ? -1
    : view.shape.findIndex((size, axis) => size === batch && view.strides[axis] === pixels * outputs);
}

/** Whether a tensor that is broadcast to `shape` has more than one element along these axes only. */
function variesAlong(from: readonly number[], shape: readonly number[], axes: readonly number[]): boolean {
  const lead = shape.length - from.length;
  return from.every((size, i) => size === 1 || (axes.includes(i + lead) && size === shape[i + lead]));
}

/** Adds `[batch, channels]` to a pending layer. Its own bias goes into what is added. */
function takeImageBias(
  lowering: Lowering,
  view: View,
  product: PendingProduct,
  other: View,
  image: number,
  channel: number,
): boolean {
  if (product.imageBias || product.layer.shape.outputs === 1 || channel < 0) return false;
  if (product.biases.length > 0) {
    // A layer takes one bias. Its own can be added where the other is made, if that is a layer that waits as well.
    const source = other.buffer.pending;
    const isFree =
      source?.kind === 'product' && !source.imageBias && !other.buffer.shared && other.factor === undefined;
    if (!isFree || source.outputs !== product.outputs) return false;
    source.biases.push(...product.biases.splice(0));
  }
  const { batch, outputs } = product;
  const rank = view.shape.length;
  const aligned = broadcastView(other, [...new Array(rank - other.shape.length).fill(1), ...other.shape]);
  const order = [image, channel, ...aligned.shape.keys()].filter(
    (axis, i, all) => axis >= 0 && all.indexOf(axis) === i,
  );
  const turned = {
    ...aligned,
    shape: order.map((axis) => aligned.shape[axis]!),
    strides: order.map((axis) => aligned.strides[axis]!),
  };
  const flat = reshapeView(turned, image >= 0 ? [turned.shape[0]!, turned.shape[1]!] : [1, turned.shape[0]!]);
  if (!flat) return false;
  product.imageBias = lowering.dense(broadcastView(flat, [batch, outputs]));
  return true;
}

/** Any two tensors, laid out like the one that has the result's shape. */
function broadcast(context: NodeContext, op: Operator, shape: readonly number[]): View {
  const { lowering, label } = context;
  const a = lowering.ready(context.view(0));
  const b = lowering.ready(context.view(1));
  const model = [a, b].find((view) => view.shape.join() === shape.join() && isDense(view, orderOf(view)));
  const y = lowering.make(label, shape, model && orderOf(model));
  lowering.emit(binaryStep(label, op, broadcastView(a, shape), broadcastView(b, shape), y));
  return y;
}

export function binaryStep(label: string, op: Operator, a: View, b: View, y: View): Step {
  const order = orderOf(y);
  const loops = collapse(
    y.shape,
    [y, a, b].map(({ strides }) => strides),
  );
  const n = loops.sizes.at(-1) ?? 1;
  const [d, p, q] = loops.strides.map((of) => of.at(-1) ?? 1) as [number, number, number];
  const reusable = [a, b].filter(
    (view) => view.offset === 0 && isDense(view, order) && view.buffer.size === y.buffer.size,
  );
  return {
    label,
    kind: op.toLowerCase(),
    reads: [a.buffer, b.buffer],
    writes: [y.buffer],
    mayReuse: a.buffer === b.buffer ? [] : reusable.map((view) => [view.buffer, y.buffer] as const),
    bind({ runtime, at }) {
      const [to, left, right] = [at(y), at(a), at(b)];
      const run = rowKernel(runtime, op, [d, p, q], n);
      return () => eachOuter(loops, 1, ([t, u, v]) => run(to + 4 * t!, left + 4 * u!, right + 4 * v!));
    },
  };
}

/** `y` = `a` op `b` over `n` elements; pointers in bytes. By a kernel where the elements follow one another. */
function rowKernel(
  runtime: Runtime,
  op: Operator,
  [d, p, q]: readonly [number, number, number],
  n: number,
): (y: number, a: number, b: number) => void {
  const { kernels, arena } = runtime;
  const isRow = d === 1 && p === 1 && q === 1;
  if (isRow && op === 'Add') return (y, a, b) => kernels.f32_add__simd!(y, a, b, n);
  if (isRow && op === 'Mul') return (y, a, b) => kernels.f32_mul__simd!(y, a, b, n);
  // A row and a number: the number is at hand as the scale, or the shift, of a plane.
  const affine = kernels.f32_affine_planes__simd!;
  const numbers = (op === 'Mul' || op === 'Add') && d === 1 && p + q === 1 && n >= 8 ? unitNumbers(runtime) : 0;
  if (numbers && op === 'Mul') return (y, a, b) => affine(y, p ? a : b, 1, n, p ? b : a, numbers, 0);
  if (numbers) return (y, a, b) => affine(y, p ? a : b, 1, n, numbers + 4, p ? b : a, 0);
  return (y, a, b) => row(op, new Float32Array(arena.memory.buffer), [y / 4, a / 4, b / 4], [d, p, q], n);
}

/** 0 and 1, one after the other, in the module's memory. */
const unit = new WeakMap<Runtime, number>();

function unitNumbers(runtime: Runtime): number {
  let pointer = unit.get(runtime);
  if (pointer === undefined) {
    pointer = runtime.arena.upload(Float32Array.of(0, 1));
    unit.set(runtime, pointer);
  }
  return pointer;
}

function row(
  op: Operator,
  x: Float32Array,
  [to, a, b]: readonly [number, number, number],
  [d, p, q]: readonly [number, number, number],
  n: number,
): void {
  switch (op) {
    case 'Add':
      for (let i = 0; i < n; i++) x[to + i * d] = x[a + i * p]! + x[b + i * q]!;
      break;
    case 'Sub':
      for (let i = 0; i < n; i++) x[to + i * d] = x[a + i * p]! - x[b + i * q]!;
      break;
    case 'Mul':
      for (let i = 0; i < n; i++) x[to + i * d] = x[a + i * p]! * x[b + i * q]!;
      break;
    case 'Div':
      for (let i = 0; i < n; i++) x[to + i * d] = x[a + i * p]! / x[b + i * q]!;
  }
}
