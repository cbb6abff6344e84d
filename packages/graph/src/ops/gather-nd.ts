import { type Dim, isSymbolic, shapeText } from '../dim.js';
import { getInt, getString, string } from '../graph.js';
import { defineOp, type OpRecord } from '../op-record.js';
import { allocate, sizeOf, stridesOf, type Tensor, tensor, toNumbers } from '../tensor.js';
import { backwardOf } from './backward.js';
import { intType, uncut } from './views.js';

/** Number of leading axes that one row of indices addresses. */
function depthOf(indices: readonly Dim[], rank: number, fail: (message: string) => never): number {
  const depth = indices.at(-1);
  if (depth === undefined || isSymbolic(depth) || depth < 1 || depth > rank) {
    return fail(`indices of shape ${shapeText(indices)} do not address an input of ${rank} axes`);
  }
  return depth;
}

function never(message: string): never {
  throw new Error(message);
}

/** Offset of every block that a row of `indices` addresses in a tensor of `shape`. */
function offsetsOf(indices: Tensor, shape: readonly number[], depth: number): number[] {
  const strides = stridesOf(shape);
  const numbers = toNumbers(indices);
  return Array.from({ length: numbers.length / depth }, (_, row) => {
    let offset = 0;
    for (let i = 0; i < depth; i++) {
      const at = numbers[row * depth + i];
      offset += (at < 0 ? at + shape[i] : at) * strides[i];
    }
    return offset;
  });
}

/** `y[i, …] = x[indices[i], …]`, an index for each of the leading axes; no batch dimensions. */
export const gatherNd: OpRecord = defineOp({
  op: 'GatherND',
  infer(context) {
    const { dtype, shape } = context.input(0);
    const indices = context.input(1).shape;
    if (getInt(context.node, 'batch_dims', 0) !== 0) context.fail('batch_dims is not covered');
    const depth = depthOf(indices, shape.length, context.fail);
    return [intType(dtype, [...indices.slice(0, -1), ...shape.slice(depth)], undefined)];
  },
  slots(context) {
    const axes = context.axes(0);
    const indices = context.input(1).shape;
    const depth = depthOf(indices, axes.length, never);
    for (const axis of axes.slice(0, depth)) context.pin(axis, 'rows are chosen at run time');
    const rows = indices.slice(0, -1).map((dim) => uncut(context, dim, 'picked by index'));
    context.set(0, [...rows, ...axes.slice(depth)]);
  },
  gradient(context) {
    const g = context.outputGradients[0];
    if (!g || !context.wants(0)) return [undefined, undefined];
    if (context.opset < 16) context.fail('places that are read twice need opset 16');
    const b = backwardOf(context);
    const [x, indices] = context.node.inputs;
    const zeros = b.op('Mul', x, b.scalar(0));
    return [context.builder.op('ScatterND', [zeros, indices, g], { reduction: string('add') }), undefined];
  },
  evaluate(context) {
    const [x, indices] = [context.input(0), context.input(1)];
    const depth = depthOf(indices.shape, x.shape.length, never);
    const rest = x.shape.slice(depth);
    const size = sizeOf(rest);
    const offsets = offsetsOf(indices, x.shape, depth);
    const data = allocate(x.dtype, offsets.length * size);
    offsets.forEach((offset, row) => {
      // Same dtype on both sides; the union of typed arrays has no common `set`.
      (data as Float32Array).set(x.data.subarray(offset, offset + size) as Float32Array, row * size);
    });
    return [tensor(x.dtype, [...indices.shape.slice(0, -1), ...rest], data)];
  },
});

/** `x` with `updates[i, …]` written, or added, at `[indices[i], …]`. */
export const scatterNd: OpRecord = defineOp({
  op: 'ScatterND',
  infer(context) {
    const { dtype, shape } = context.input(0);
    depthOf(context.input(1).shape, shape.length, context.fail);
    const reduction = getString(context.node, 'reduction', 'none');
    if (reduction !== 'none' && reduction !== 'add') context.fail(`reduction "${reduction}" is not covered`);
    return [{ dtype, shape }];
  },
  slots(context) {
    const axes = context.axes(0);
    const depth = depthOf(context.input(1).shape, axes.length, never);
    for (const axis of axes.slice(0, depth)) context.pin(axis, 'rows are chosen at run time');
    const updates = context.axes(2);
    const lead = updates.length - (axes.length - depth);
    axes.slice(depth).forEach((axis, i) => {
      context.join(axis, updates[lead + i]);
    });
    context.set(0, axes);
  },
  gradient(context) {
    const g = context.outputGradients[0];
    if (!g) return [undefined, undefined, undefined];
    const { builder, node } = context;
    const indices = node.inputs[1];
    const picked = builder.op('GatherND', [g, indices]);
    // Where values are replaced, those below have no effect.
    const replaced = (): string =>
      builder.op('ScatterND', [g, indices, backwardOf(context, 2).op('Mul', picked, backwardOf(context, 2).scalar(0))]);
    const adds = getString(node, 'reduction', 'none') === 'add';
    return [context.wants(0) ? (adds ? g : replaced()) : undefined, undefined, context.wants(2) ? picked : undefined];
  },
  evaluate(context) {
    const [x, indices, updates] = [context.input(0), context.input(1), context.input(2)];
    const depth = depthOf(indices.shape, x.shape.length, never);
    const size = sizeOf(x.shape.slice(depth));
    const data = x.data.slice() as Float64Array;
    const source = updates.data as Float64Array;
    const adds = getString(context.node, 'reduction', 'none') === 'add';
    offsetsOf(indices, x.shape, depth).forEach((offset, row) => {
      for (let i = 0; i < size; i++) {
        const update = source[row * size + i];
        data[offset + i] = adds ? data[offset + i] + update : update;
      }
    });
    return [tensor(x.dtype, x.shape, data)];
  },
});
