import { type Dim, dimEquals, dimText, divideExactly, floorDivideDims, isSymbolic, multiplyDims } from '../dim.js';
import { type GraphNode, getInt, getInts, getString, int, ints } from '../graph.js';
import { defineOp, type GradientContext, type InferContext, type OpRecord } from '../op-record.js';
import {
  allocate,
  castTensor,
  type DType,
  float32,
  int64,
  sizeOf,
  type Tensor,
  tensor,
  toFloat32,
  toNumbers,
} from '../tensor.js';
import { scalarTensor } from './backward.js';
import { dtypeNumber } from './element-types.js';
import { uncut } from './views.js';

/** For every index of the output the inputs it is made of. */
interface Taps {
  readonly indices: readonly number[][];
  readonly weights: readonly number[][];
}

/**
 * Output sizes and scales. A scale given as such is kept even where `floor(size * scale)` rounds: coordinates use it.
 */
interface Target {
  readonly dims: readonly Dim[];
  readonly scales: readonly (number | undefined)[];
}

function checkModes(node: GraphNode, fail: (message: string) => never): void {
  const mode = getString(node, 'mode', 'nearest');
  const coordinates = getString(node, 'coordinate_transformation_mode', 'half_pixel');
  const nearest = getString(node, 'nearest_mode', 'round_prefer_floor');
  if (mode !== 'nearest' && mode !== 'linear') fail(`mode "${mode}" is not covered; "nearest" and "linear" are`);
  if (!['asymmetric', 'half_pixel', 'pytorch_half_pixel', 'align_corners'].includes(coordinates)) {
    fail(`coordinate_transformation_mode "${coordinates}" is not covered`);
  }
  if (mode === 'nearest' && !['floor', 'round_prefer_floor', 'round_prefer_ceil', 'ceil'].includes(nearest)) {
    fail(`nearest_mode "${nearest}" is unknown`);
  }
  if (getInt(node, 'antialias', 0) === 1) fail('antialias is not covered');
  if (getString(node, 'keep_aspect_ratio_policy', 'stretch') !== 'stretch')
    fail('only the policy "stretch" is covered');
}

/** Spreads values given for `axes` over all axes. */
function overAxes<T>(node: GraphNode, values: readonly T[], rank: number, rest: (axis: number) => T): T[] {
  const axes = getInts(node, 'axes')?.map((axis) => (axis < 0 ? axis + rank : axis));
  return Array.from({ length: rank }, (_, axis) => {
    const at = axes ? axes.indexOf(axis) : axis;
    return at < 0 ? rest(axis) : values[at];
  });
}

function targetOf(
  node: GraphNode,
  from: readonly Dim[],
  scales: readonly number[] | undefined,
  sizes: readonly Dim[] | undefined,
): Target | undefined {
  if (sizes && sizes.length > 0) {
    const dims = overAxes(node, sizes, from.length, (axis) => from[axis]);
    return { dims, scales: dims.map((dim, i) => ratio(dim, from[i])) };
  }
  if (!scales || scales.length === 0) return undefined;
  const all = overAxes(node, scales, from.length, () => 1);
  return { dims: from.map((dim, i) => scaled(dim, all[i])), scales: all };
}

function ratio(to: Dim, from: Dim): number | undefined {
  if (!isSymbolic(to) && !isSymbolic(from)) return to / from;
  const exact = divideExactly(to, from);
  return exact !== undefined && !isSymbolic(exact) ? exact : undefined;
}

function scaled(dim: Dim, scale: number): Dim {
  if (scale === 1) return dim;
  if (!isSymbolic(dim)) return Math.floor(dim * scale);
  if (Number.isInteger(scale)) return multiplyDims(dim, scale);
  const inverse = 1 / scale;
  if (Number.isInteger(inverse)) return floorDivideDims(dim, inverse);
  // floor(dim * n / 1024) for scales such as 1.5.
  return floorDivideDims(multiplyDims(dim, Math.round(scale * 1024)), 1024);
}

function inferTarget(context: InferContext): Target {
  checkModes(context.node, context.fail);
  const { shape } = context.input(0);
  const sizes = context.has(3) ? context.elements(3) : undefined;
  const scales = context.has(2) ? context.constant(2) : undefined;
  return (
    targetOf(context.node, shape, scales && [...toFloat32(scales)], sizes) ??
    context.fail('neither its scales nor its sizes are known before running')
  );
}

const resize = defineOp({
  op: 'Resize',
  infer(context) {
    return [{ dtype: context.input(0).dtype, shape: inferTarget(context).dims }];
  },
  slots(context) {
    const from = context.input(0).shape;
    const to = context.output(0).shape;
    context.set(
      0,
      context.axes(0).map((axis, i) => {
        if (dimEquals(from[i], to[i])) return axis;
        context.pin(axis, 'resized');
        return uncut(context, to[i], 'resized');
      }),
    );
  },
  rewrite(context) {
    const { shape } = context.oldOutput(0);
    const kept = shape.map((_, axis) => context.keptOutput(0, axis));
    if (!context.has(3) || kept.every((indices) => !indices)) return;
    const axes = getInts(context.node, 'axes')?.map((axis) => (axis < 0 ? axis + shape.length : axis)) ?? [
      ...shape.keys(),
    ];
    if (axes.every((axis) => !kept[axis])) return;
    const sizes = context.numbers(3);
    // Sizes read from shapes at run time see the smaller ones; surgery checks that they come out right.
    if (!sizes) return;
    context.setInput(3, int64(sizes.map((size, i) => kept[axes[i]]?.length ?? size)));
  },
  gradient(context) {
    const none = context.node.inputs.slice(1).map(() => undefined);
    const gradient = context.outputGradients[0];
    if (!gradient || !context.wants(0)) return [undefined, ...none];
    return [resizeGradient(context, gradient), ...none];
  },
  evaluate(context) {
    const x = context.input(0);
    const [scales, sizes] = [context.inputs[2], context.inputs[3]];
    const target = targetOf(context.node, x.shape, scales && [...toFloat32(scales)], sizes && toNumbers(sizes))!;
    return [
      target.dims.reduce<Tensor>((value, to, axis) => {
        const size = x.shape[axis];
        return to === size
          ? value
          : applyTaps(value, axis, tapsOf(context.node, size, to as number, target.scales[axis]!));
      }, x),
    ];
  },
});

/** Where output index `i` lies on the input axis. */
function coordinate(node: GraphNode, i: number, size: number, to: number, scale: number): number {
  switch (getString(node, 'coordinate_transformation_mode', 'half_pixel')) {
    case 'asymmetric':
      return i / scale;
    case 'align_corners':
      return to === 1 ? 0 : (i * (size - 1)) / (to - 1);
    case 'pytorch_half_pixel':
      return to === 1 ? 0 : (i + 0.5) / scale - 0.5;
    default:
      return (i + 0.5) / scale - 0.5;
  }
}

function roundTo(x: number, mode: string): number {
  if (mode === 'floor') return Math.floor(x);
  if (mode === 'ceil') return Math.ceil(x);
  return mode === 'round_prefer_floor' ? Math.ceil(x - 0.5) : Math.floor(x + 0.5);
}

function tapsOf(node: GraphNode, size: number, to: number, scale: number): Taps {
  const nearest = getString(node, 'mode', 'nearest') === 'nearest';
  const rounding = getString(node, 'nearest_mode', 'round_prefer_floor');
  const clamp = (at: number) => Math.min(Math.max(at, 0), size - 1);
  const indices: number[][] = [];
  const weights: number[][] = [];
  for (let i = 0; i < to; i++) {
    const at = coordinate(node, i, size, to, scale);
    if (nearest) {
      indices.push([clamp(roundTo(at, rounding))]);
      weights.push([1]);
    } else {
      const low = Math.floor(at);
      indices.push([clamp(low), clamp(low + 1)]);
      weights.push([1 - (at - low), at - low]);
    }
  }
  return { indices, weights };
}

function applyTaps(x: Tensor, axis: number, { indices, weights }: Taps): Tensor {
  const inner = sizeOf(x.shape.slice(axis + 1));
  const outer = sizeOf(x.shape.slice(0, axis));
  const size = x.shape[axis];
  const to = indices.length;
  const data = allocate(x.dtype, outer * to * inner) as Float64Array;
  const source = x.data as Float64Array;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < to; i++) {
      for (let j = 0; j < inner; j++) {
        let sum = 0;
        indices[i].forEach((from, tap) => {
          sum += weights[i][tap] * source[(o * size + from) * inner + j];
        });
        data[(o * to + i) * inner + j] = sum;
      }
    }
  }
  return tensor(
    x.dtype,
    x.shape.map((dim, i) => (i === axis ? to : dim)),
    data,
  );
}

/**
 * Nearest by whole factors: every input receives the sum of its block, which an average pooling times the block's size
 * gives at any image size. Anything else: one product with the constant matrix of each resized axis.
 */
function resizeGradient(context: GradientContext, gradient: string): string {
  const { builder, node } = context;
  const from = context.input(0).shape;
  const to = context.output(0).shape;
  const touched = [...from.keys()].filter((axis) => !dimEquals(from[axis], to[axis]));
  const factors = from.map((dim, axis) => ratio(to[axis], dim));
  const mode = getString(node, 'coordinate_transformation_mode', 'half_pixel');
  const isBlock =
    getString(node, 'mode', 'nearest') === 'nearest' &&
    // Each output index then reads the block it lies in, whatever the rounding.
    (mode === 'asymmetric'
      ? getString(node, 'nearest_mode', 'round_prefer_floor') === 'floor'
      : mode !== 'align_corners') &&
    touched.every((axis) => axis >= 2 && Number.isInteger(factors[axis]));
  if (isBlock && from.length <= 4) {
    const kernel = factors.slice(2) as number[];
    const window = { kernel_shape: ints(kernel), strides: ints(kernel) };
    const mean = builder.op('AveragePool', [gradient], window);
    const places = builder.tensor(scalarTensor(sizeOf(kernel), context.input(0).dtype));
    return builder.op('Mul', [mean, places]);
  }
  const given = node.inputs[3] ? undefined : context.constant(2);
  const scales = given ? overAxes(node, [...toFloat32(given)], from.length, () => 1) : factors;
  return touched.reduce((value, axis) => {
    const [size, length, scale] = [from[axis], to[axis], scales[axis]];
    const isKnown = !isSymbolic(size) && !isSymbolic(length) && scale !== undefined;
    const matrix = isKnown
      ? builder.tensor(castTensor(matrixOf(tapsOf(node, size, length, scale), size), context.input(0).dtype))
      : matrixAtRun(context, axis, given && scale);
    return multiplyAlong(context, value, axis, from.length, matrix);
  }, gradient);
}

/**
 * The matrix of `matrixOf` for sizes known only at run time, in single precision as runtimes compute coordinates: row `i`
 * has a 1 where output index `i` reads.
 */
function matrixAtRun(context: GradientContext, axis: number, scale: number | undefined): string {
  const { builder, node } = context;
  const op = (name: string, ...inputs: string[]): string => builder.op(name, inputs);
  const cast = (value: string, dtype: DType): string => builder.op('Cast', [value], { to: int(dtypeNumber(dtype)) });
  const scalar = (value: number): string => builder.tensor(float32([], [value]));
  const at = getString(node, 'coordinate_transformation_mode', 'half_pixel');
  if (getString(node, 'mode', 'nearest') !== 'nearest' || (at !== 'asymmetric' && at !== 'half_pixel')) {
    const [size, length] = [context.input(0).shape[axis], context.output(0).shape[axis]];
    return context.fail(
      `axis ${axis} goes from ${dimText(size)} to ${dimText(length)}: for symbolic sizes only nearest by asymmetric or half_pixel is covered`,
    );
  }
  const sizeOfAxis = (value: string): string =>
    op('Squeeze', op('Gather', op('Shape', value), builder.ints([axis])), builder.ints([0]));
  const [size, length] = [sizeOfAxis(node.inputs[0]), sizeOfAxis(node.outputs[0])];
  const upTo = (count: string): string =>
    cast(op('Range', builder.tensor(int64([0], [])), count, builder.tensor(int64([1], []))), 'float32');
  const factor = scale === undefined ? op('Div', cast(length, 'float32'), cast(size, 'float32')) : scalar(scale);
  const places = upTo(length);
  const coordinates =
    at === 'asymmetric'
      ? op('Div', places, factor)
      : op('Sub', op('Div', op('Add', places, scalar(0.5)), factor), scalar(0.5));
  const last = op('Sub', cast(size, 'float32'), scalar(1));
  const rounded = roundAtRun(getString(node, 'nearest_mode', 'round_prefer_floor'), coordinates, op, scalar);
  const read = op('Max', op('Min', rounded, last), scalar(0));
  const column = op('Unsqueeze', cast(read, 'int32'), builder.ints([1]));
  return cast(op('Equal', column, cast(upTo(size), 'int32')), context.input(0).dtype);
}

function roundAtRun(
  mode: string,
  x: string,
  op: (name: string, ...inputs: string[]) => string,
  scalar: (value: number) => string,
): string {
  if (mode === 'floor') return op('Floor', x);
  if (mode === 'ceil') return op('Ceil', x);
  return mode === 'round_prefer_floor' ? op('Ceil', op('Sub', x, scalar(0.5))) : op('Floor', op('Add', x, scalar(0.5)));
}

/** `[to, size]`: row `i` holds the weights of output index `i`. */
function matrixOf({ indices, weights }: Taps, size: number): Tensor {
  const matrix = float32([indices.length, size], new Float32Array(indices.length * size));
  indices.forEach((row, i) => {
    row.forEach((from, tap) => {
      (matrix.data as Float32Array)[i * size + from] += weights[i][tap];
    });
  });
  return matrix;
}

/** Contracts `axis` of `x` with the rows of `weights`. */
function multiplyAlong(context: GradientContext, x: string, axis: number, rank: number, weights: string): string {
  const { builder } = context;
  if (axis === rank - 1) return builder.op('MatMul', [x, weights]);
  const perm = Array.from({ length: rank }, (_, i) => i);
  [perm[axis], perm[rank - 1]] = [rank - 1, axis];
  const swapped = builder.op('Transpose', [x], { perm: ints(perm) });
  return builder.op('Transpose', [builder.op('MatMul', [swapped, weights])], { perm: ints(perm) });
}

export const resizeOps: readonly OpRecord[] = [resize];
