import { type Dim, isSymbolic } from '../dim.js';
import { type GraphNode, getInt, int } from '../graph.js';
import { defineOp, type GradientContext, type OpRecord } from '../op-record.js';
import { allocate, int64, sizeOf, tensor, toNumbers } from '../tensor.js';
import { dtypeNumber } from './element-types.js';
import { intType, normalAxis, uncut } from './views.js';

export const gatherRecord: OpRecord = defineOp({
  op: 'Gather',
  infer(context) {
    const { dtype, shape, elements } = context.input(0);
    const indices = context.input(1);
    const axis = normalAxis(getInt(context.node, 'axis', 0), shape.length, context.fail);
    const out = [...shape.slice(0, axis), ...indices.shape, ...shape.slice(axis + 1)];
    const at = context.elements(1);
    const size = shape[axis];
    if (!isSymbolic(size)) {
      for (const i of at ?? []) {
        if (!isSymbolic(i) && (i < -size || i >= size)) context.fail(`index ${i} is outside [${-size}, ${size - 1}]`);
      }
    }
    const picked =
      elements && at?.every((i) => !isSymbolic(i)) ? (at as number[]).map((i) => elements.at(i)!) : undefined;
    return [intType(dtype, out, picked)];
  },
  slots(context) {
    const { shape } = context.input(0);
    const axes = context.axes(0);
    const axis = axisOf(context.node, shape.length);
    const size = shape[axis];
    const numbers = context.numbers(1);
    let middle = context.input(1).shape.map((dim) => uncut(context, dim, 'picked by index'));
    if (numbers && middle.length === 1 && !isSymbolic(size)) {
      const indices = numbers.map((i) => (i < 0 ? i + size : i));
      middle = [context.pick(axes[axis], indices)];
    } else if (numbers) {
      context.pin(axes[axis], 'one index of it is read by itself');
    } else {
      context.pin(axes[axis], 'rows are chosen at run time');
      for (const i of axes.keys()) context.role(0, i, 'table');
    }
    context.set(0, [...axes.slice(0, axis), ...middle, ...axes.slice(axis + 1)]);
  },
  rewrite(context) {
    const axis = axisOf(context.node, context.oldInput(0).shape.length);
    const kept = context.keptInput(0, axis);
    if (!kept) return;
    const numbers = context.numbers(1);
    const size = context.oldInput(0).shape[axis] as number;
    if (!numbers || context.oldInput(1).shape.length !== 1)
      return context.fail(`axis ${axis} shrinks, but its indices are not constant`);
    const position = new Map(kept.map((old, now) => [old, now]));
    const now = numbers.map((i) => position.get(i < 0 ? i + size : i)).filter((i) => i !== undefined);
    context.setInput(1, int64(now));
  },
  gradient(context) {
    const gradient = context.outputGradients[0];
    if (!gradient || !context.wants(0)) return [undefined, undefined];
    const { shape } = context.input(0);
    const axis = axisOf(context.node, shape.length);
    const value = context.constant(1);
    const size = shape[axis];
    if (value && value.shape.length <= 1 && !isSymbolic(size)) {
      const indices = toNumbers(value).map((i) => (i < 0 ? i + size : i));
      if (new Set(indices).size === indices.length)
        return [scatterDistinct(context, gradient, axis, indices, size), undefined];
    }
    if (axis !== 0)
      context.fail(`indices along axis ${axis} repeat or are known only at run time; only axis 0 is covered`);
    return [addRows(context, gradient), undefined];
  },
  evaluate(context) {
    const x = context.input(0);
    const indices = context.input(1);
    const axis = axisOf(context.node, x.shape.length);
    const size = x.shape[axis];
    const at = toNumbers(indices).map((i) => (i < 0 ? i + size : i));
    const inner = sizeOf(x.shape.slice(axis + 1));
    const outer = sizeOf(x.shape.slice(0, axis));
    const data = allocate(x.dtype, outer * at.length * inner);
    for (let o = 0; o < outer; o++) {
      at.forEach((i, k) => {
        const row = x.data.subarray((o * size + i) * inner, (o * size + i + 1) * inner);
        // Same dtype on both sides; the union of typed arrays has no common `set`.
        (data as Float32Array).set(row as Float32Array, (o * at.length + k) * inner);
      });
    }
    return [tensor(x.dtype, [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)], data)];
  },
});

function axisOf(node: GraphNode, rank: number): number {
  const axis = getInt(node, 'axis', 0);
  return axis < 0 ? axis + rank : axis;
}

/** Gradient for constant indices without repetition: rows go back to their places, the others are zero. */
function scatterDistinct(
  context: GradientContext,
  gradient: string,
  axis: number,
  indices: readonly number[],
  size: number,
): string {
  const { builder } = context;
  const rank = context.input(0).shape.length;
  const isScalar = context.input(1).shape.length === 0;
  const rows = isScalar ? builder.op('Unsqueeze', [gradient, builder.ints([axis])]) : gradient;
  const count = indices.length;
  const places = Array.from({ length: size }, (_, i) => indices.indexOf(i));
  const isRun = indices.every((i, k) => i === indices[0] + k);
  if (isRun && count === size) return rows;
  const pads = new Array<number>(2 * rank).fill(0);
  if (isRun) {
    pads[axis] = indices[0];
    pads[rank + axis] = size - indices[0] - count;
    return builder.op('Pad', [rows, builder.ints(pads)]);
  }
  if (count === size) return builder.op('Gather', [rows, builder.ints(places)], { axis: int(axis) });
  // One row of zeros at the end, for the indices that were not picked.
  pads[rank + axis] = 1;
  const padded = builder.op('Pad', [rows, builder.ints(pads)]);
  return builder.op('Gather', [padded, builder.ints(places.map((k) => (k < 0 ? count : k)))], { axis: int(axis) });
}

/** Gradient of a table of rows: rows looked up more than once add up, as one-hot^T @ gradient. */
function addRows(context: GradientContext, gradient: string): string {
  const { builder, node } = context;
  const table = context.input(0);
  const [rows, ...rest] = table.shape;
  const index = builder.op('Cast', [node.inputs[1]], { to: int(7) });
  const flat = builder.op('Reshape', [index, builder.ints([1, -1])]);
  const count = isSymbolic(rows)
    ? builder.op('Gather', [builder.op('Shape', [node.inputs[0]]), builder.ints([0])])
    : builder.ints([rows]);
  const wrapped = builder.op('Where', [
    builder.op('Less', [flat, builder.ints([0])]),
    builder.op('Add', [flat, count]),
    flat,
  ]);
  const oneHot = builder.op('Cast', [builder.op('Equal', [everyRow(context, rows, count), wrapped])], {
    to: int(dtypeNumber(table.dtype)),
  });
  const width = rest.reduce<Dim>((product, dim) => (isSymbolic(product) || isSymbolic(dim) ? -1 : product * dim), 1);
  const columns = builder.op('Reshape', [
    gradient,
    builder.ints(isSymbolic(width) || width < 0 ? context.fail('the width of its table is symbolic') : [-1, width]),
  ]);
  const sum = builder.op('MatMul', [oneHot, columns]);
  if (rest.length === 1) return sum;
  return builder.op('Reshape', [sum, context.shapeValue(table.shape, node.inputs[0])]);
}

/** `[rows, 1]`: the number of every row. */
function everyRow({ builder }: GradientContext, rows: Dim, count: string): string {
  if (!isSymbolic(rows)) {
    const numbers = Array.from({ length: rows }, (_, i) => i);
    return builder.tensor(int64(numbers, [rows, 1]));
  }
  const scalar = (value: number): string => builder.tensor(int64([value], []));
  const end = builder.op('Squeeze', [count, builder.ints([0])]);
  const range = builder.op('Range', [scalar(0), end, scalar(1)]);
  return builder.op('Unsqueeze', [range, builder.ints([1])]);
}
