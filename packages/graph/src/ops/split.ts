import type { Axis, SlotContext } from '../coupling/slot-context.js';
import { type Dim, dimText, divideExactly, floorDivideDims, isSymbolic, subtractDims } from '../dim.js';
import { zerosLike } from '../gradient/zeros-like.js';
import { type GraphNode, getInt, getInts, int } from '../graph.js';
import { defineOp, type InferContext, type OpRecord } from '../op-record.js';
import { int64, toNumbers } from '../tensor.js';
import { intType, knownNumbers, normalAxis, sliceAxis } from './views.js';

export const splitRecord: OpRecord = defineOp({
  op: 'Split',
  infer(context) {
    const { dtype, shape, elements } = context.input(0);
    const axis = normalAxis(getInt(context.node, 'axis', 0), shape.length, context.fail);
    const sizes = splitSizes(context, shape[axis]);
    let offset = 0;
    return sizes.map((size) => {
      const part = elements && !isSymbolic(size) ? elements.slice(offset, (offset += size)) : undefined;
      return intType(
        dtype,
        shape.map((dim, i) => (i === axis ? size : dim)),
        part,
      );
    });
  },
  slots(context) {
    const axes = context.axes(0);
    const axis = axisOf(context.node, axes.length);
    const sizes = context.node.outputs.map((name, k) => (name ? context.output(k).shape[axis] : undefined));
    const parts = sizes.every((size) => typeof size === 'number')
      ? context.split(axes[axis], sizes)
      : sizes.map(() => context.blank());
    joinUnread(context, sizes, parts);
    context.node.outputs.forEach((name, k) => {
      if (!name) return;
      context.set(
        k,
        axes.map((one, i) => (i === axis ? parts[k] : one)),
      );
    });
  },
  rewrite(context) {
    const axis = axisOf(context.node, context.oldInput(0).shape.length);
    if (!context.keptInput(0, axis)) return;
    const sizes = context.node.outputs.map((_, k) => {
      const old = context.oldOutput(k).shape[axis];
      const size = context.keptOutput(k, axis)?.length ?? old;
      return typeof size === 'number' ? size : context.fail(`part ${k} has the symbolic size ${dimText(old)}`);
    });
    const equal = sizes.every((size) => size === sizes[0]);
    const written = context.has(1) || getInts(context.node, 'split') !== undefined;
    if (equal && !written) return;
    if (context.opset < 13) {
      context.setAttribute('split', { type: 'ints', value: sizes });
    } else if (context.node.attributes.num_outputs) {
      context.fail(`parts of unequal sizes ${sizes} need explicit sizes in place of num_outputs`);
    } else context.setInput(1, int64(sizes));
  },
  gradient(context) {
    const { builder, node, outputGradients } = context;
    if (!context.wants(0) || outputGradients.every((gradient) => !gradient)) return [undefined, undefined];
    const parts = outputGradients.map(
      (gradient, k) => gradient ?? zerosLike(builder, node.outputs[k], context.output(k)),
    );
    return [builder.op('Concat', parts, { axis: int(axisOf(node, context.input(0).shape.length)) }), undefined];
  },
  evaluate(context) {
    const x = context.input(0);
    const axis = axisOf(context.node, x.shape.length);
    const given = context.inputs[1] ? toNumbers(context.inputs[1]) : getInts(context.node, 'split');
    const sizes = given ?? equalParts(x.shape[axis], context.node.outputs.length);
    let offset = 0;
    return sizes.map((size) => sliceAxis(x, axis, offset, (offset += size)));
  },
});

/**
 * A part that nothing reads any more, as when the branch behind it was removed, shrinks like the first that is read: the
 * layer that makes them all goes on making equal parts.
 */
function joinUnread(context: SlotContext, sizes: readonly (Dim | undefined)[], parts: readonly Axis[]): void {
  if (sizes.some((size) => size !== sizes[0])) return;
  const first = parts.findIndex((_, k) => context.isRead(k));
  if (first < 0) return;
  parts.forEach((part, k) => {
    if (!context.isRead(k)) context.join(parts[first], part);
  });
}

function axisOf(node: GraphNode, rank: number): number {
  const axis = getInt(node, 'axis', 0);
  return axis < 0 ? axis + rank : axis;
}

function splitSizes(context: InferContext, dim: Dim): readonly Dim[] {
  const { node } = context;
  const given = (context.has(1) ? context.elements(1) : undefined) ?? getInts(node, 'split');
  if (context.has(1) && !given) context.fail('its sizes are not known before running');
  if (given) {
    const total = knownNumbers({ elements: () => given }, 0)?.reduce((sum, size) => sum + size, 0);
    if (total !== undefined && typeof dim === 'number' && total !== dim) {
      context.fail(`sizes ${given.map(dimText)} add up to ${total}; the axis has ${dim}`);
    }
    return given;
  }
  const count = node.outputs.length;
  if (typeof dim === 'number') return equalParts(dim, count);
  const part = divideExactly(dim, count) ?? floorDivideDims(subtractDims(dim, 1 - count), count);
  return node.outputs.map((_, k) => (k < count - 1 ? part : lastPart(dim, part, count)));
}

function lastPart(dim: Dim, part: Dim, count: number): Dim {
  let rest = dim;
  for (let k = 1; k < count; k++) rest = subtractDims(rest, part);
  return rest;
}

/** Equal parts; the last is smaller where they do not come out even. */
function equalParts(size: number, count: number): number[] {
  const part = Math.ceil(size / count);
  return Array.from({ length: count }, (_, k) => Math.min(part, size - k * part));
}
