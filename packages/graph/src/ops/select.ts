import { addDims, type Dim, shapeText, unifyDims } from '../dim.js';
import { SecateurError } from '../errors.js';
import { type GraphNode, getInt, int } from '../graph.js';
import { defineOp, type GradientContext, type InferContext, type OpRecord, type ValueType } from '../op-record.js';
import { allocate, isFloat, sizeOf, type Tensor, tensor } from '../tensor.js';
import { gatherRecord } from './gather.js';
import { gatherNd, scatterNd } from './gather-nd.js';
import { sliceRecord } from './slice.js';
import { splitRecord } from './split.js';
import { intType, normalAxis } from './views.js';

const concat = defineOp({
  op: 'Concat',
  infer(context) {
    const types = context.node.inputs.map((_, i) => context.input(i));
    const axis = concatAxis(context, types[0].shape.length);
    const shape = types[0].shape.map((dim, i) =>
      i === axis ? types.map((type) => type.shape[axis]).reduce(addDims) : sameDim(context, types, i, dim),
    );
    const elements = types.every((type) => type.elements) ? types.flatMap((type) => type.elements!) : undefined;
    return [intType(types[0].dtype, shape, elements)];
  },
  slots(context) {
    const all = context.node.inputs.map((_, i) => context.axes(i));
    const axis = concatAxis(context, all[0].length);
    for (const axes of all.slice(1)) {
      for (const [i, other] of axes.entries()) if (i !== axis) context.join(all[0][i], other);
    }
    context.set(
      0,
      all[0].map((first, i) => (i === axis ? context.concat(all.map((axes) => axes[axis])) : first)),
    );
  },
  gradient(context) {
    const gradient = context.outputGradients[0];
    const wanted = context.node.inputs.map((_, i) => context.wants(i));
    if (!gradient || !wanted.some(Boolean)) return wanted.map(() => undefined);
    const rank = context.output(0).shape.length;
    const axis = concatAxis(context, rank);
    const parts = context.builder.multi(
      'Split',
      [gradient, splitSizes(context, axis)],
      { axis: int(axis) },
      { outputs: wanted.length },
    );
    return wanted.map((want, i) => (want ? parts[i] : undefined));
  },
  evaluate(context) {
    const parts = context.node.inputs.map((_, i) => context.input(i));
    const axis = concatAxis(context, parts[0].shape.length);
    checkOtherAxes(context.node, parts, axis);
    return [concatenate(parts, axis)];
  },
});

function concatAxis(context: Pick<InferContext, 'node'>, rank: number): number {
  return normalAxis(getInt(context.node, 'axis', 0), rank, fail);
}

function fail(message: string): never {
  throw new Error(message);
}

function sameDim(context: InferContext, types: readonly ValueType[], i: number, dim: Dim): Dim {
  return types.reduce<Dim>(
    (one, type) =>
      unifyDims(one, type.shape[i]) ??
      context.fail(`inputs differ on axis ${i}: ${types.map(({ shape }) => shapeText(shape)).join(', ')}`),
    dim,
  );
}

/** @throws {SecateurError} SHAPE_MISMATCH when tensors differ on an axis along which they are not joined, or in rank */
function checkOtherAxes(node: GraphNode, parts: readonly Tensor[], axis: number): void {
  const [first, ...rest] = parts.map(({ shape }) => shape.with(axis, 0).join());
  if (rest.every((shape) => shape === first)) return;
  const shapes = parts.map(({ shape }) => shapeText(shape)).join(', ');
  throw new SecateurError(
    'SHAPE_MISMATCH',
    `Concat "${node.name}" joins ${shapes} along axis ${axis}; all other axes must agree.`,
    {
      field: node.name,
      hint: 'Where a skip meets what was halved and doubled again, feed a height and width that halve evenly.',
    },
  );
}

/** Sizes of the inputs along `axis`, as a constant where all are numbers. */
function splitSizes(context: GradientContext, axis: number): string {
  const { builder, node } = context;
  const dims = node.inputs.map((_, i) => context.input(i).shape[axis]);
  if (dims.every((dim) => typeof dim === 'number')) return builder.ints(dims);
  const sizes = node.inputs.map((name) => builder.op('Gather', [builder.op('Shape', [name]), builder.ints([axis])]));
  return builder.op('Concat', sizes, { axis: int(0) });
}

/** One tensor after the other along `axis`. */
export function concatenate(parts: readonly Tensor[], axis: number): Tensor {
  const { dtype, shape } = parts[0];
  const total = parts.reduce((sum, part) => sum + part.shape[axis], 0);
  const out = shape.map((size, i) => (i === axis ? total : size));
  const inner = sizeOf(shape.slice(axis + 1));
  const outer = sizeOf(shape.slice(0, axis));
  const data = allocate(dtype, sizeOf(out));
  let offset = 0;
  for (const part of parts) {
    const row = part.shape[axis] * inner;
    for (let i = 0; i < outer; i++) {
      // Same dtype on both sides; the union of typed arrays has no common `set`.
      (data as Float32Array).set(
        part.data.subarray(i * row, (i + 1) * row) as Float32Array,
        i * total * inner + offset,
      );
    }
    offset += row;
  }
  return tensor(dtype, out, data);
}

const trilu = defineOp({
  op: 'Trilu',
  infer: (context) => [{ dtype: context.input(0).dtype, shape: context.input(0).shape }],
  slots(context) {
    const axes = context.axes(0);
    for (const axis of axes.slice(-2)) context.pin(axis, 'cut to a triangle by Trilu');
    context.set(0, axes);
  },
  gradient(context) {
    const gradient = context.outputGradients[0];
    if (!gradient || !context.wants(0)) return [undefined, undefined];
    const { builder, node } = context;
    return [builder.op('Trilu', [gradient, ...node.inputs.slice(1)], node.attributes), undefined];
  },
  evaluate(context) {
    const x = context.input(0);
    const k = context.inputs[1] ? Number(context.inputs[1].data[0]) : 0;
    const upper = getInt(context.node, 'upper', 1) === 1;
    const [rows, columns] = x.shape.slice(-2);
    const data = x.data.slice();
    const zero = isFloat(x.dtype) || typeof data[0] === 'number' ? 0 : 0n;
    for (let i = 0; i < data.length; i++) {
      const column = i % columns;
      const row = Math.floor(i / columns) % rows;
      if (upper ? column - row < k : column - row > k) data[i] = zero;
    }
    return [tensor(x.dtype, x.shape, data)];
  },
});

export const selectOps: readonly OpRecord[] = [
  concat,
  splitRecord,
  sliceRecord,
  gatherRecord,
  gatherNd,
  scatterNd,
  trilu,
];
