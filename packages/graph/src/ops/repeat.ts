import { broadcastShapes, type Dim, dimEquals, multiplyDims, shapeText } from '../dim.js';
import { int } from '../graph.js';
import { defineOp, type OpRecord } from '../op-record.js';
import { int64, stridesOf, toNumbers } from '../tensor.js';
import { unknownDim } from './generate.js';
import { broadcastTo, copyView, intType, reshaped, uncut } from './views.js';

const expand = defineOp({
  op: 'Expand',
  infer(context) {
    const { dtype, shape, elements } = context.input(0);
    const target = context.elements(1);
    const rank = context.input(1).shape[0];
    if (!target && typeof rank !== 'number') context.fail('the rank of its target is not known before running');
    const asked = target ?? Array.from({ length: rank as number }, (_, i) => unknownDim(context, i));
    const out = broadcastShapes(shape, asked);
    if (!out) return context.fail(`cannot expand ${shapeText(shape)} to ${shapeText(asked)}`);
    const length = out.length === 1 && typeof out[0] === 'number' && out[0] <= 64 ? out[0] : undefined;
    const all = elements && out.length === 0 ? elements : undefined;
    const repeated =
      elements && length !== undefined ? Array.from({ length }, (_, i) => elements[i % elements.length]) : all;
    return [intType(dtype, out, repeated)];
  },
  slots(context) {
    const from = context.input(0).shape;
    const axes = context.axes(0);
    const lead = context.output(0).shape.length - from.length;
    context.set(
      0,
      context
        .output(0)
        .shape.map((dim, i) =>
          i >= lead && (dimEquals(from[i - lead], dim) || from[i - lead] !== 1)
            ? axes[i - lead]
            : uncut(context, dim, 'expanded from size 1'),
        ),
    );
  },
  rewrite(context) {
    const old = context.oldOutput(0).shape;
    const kept = old.map((_, axis) => context.keptOutput(0, axis));
    if (kept.every((indices) => !indices)) return;
    const target = context.numbers(1);
    const lead = old.length - Number(context.oldInput(1).shape[0]);
    // A target read from shapes at run time sees the smaller ones; surgery checks that it comes out right.
    if (!target) return;
    context.setInput(1, int64(target.map((size, i) => (size === 1 ? 1 : (kept[i + lead]?.length ?? size)))));
  },
  gradient(context) {
    const gradient = context.outputGradients[0];
    if (!gradient || !context.wants(0)) return [undefined];
    return [context.reduceTo(gradient, context.output(0).shape, 0)];
  },
  evaluate(context) {
    const x = context.input(0);
    const target = broadcastShapes(x.shape, toNumbers(context.input(1))) as number[];
    return [broadcastTo(x, target)];
  },
});

const tile = defineOp({
  op: 'Tile',
  infer(context) {
    const { dtype, shape } = context.input(0);
    const repeats = context.elements(1);
    if (repeats && repeats.length !== shape.length) {
      context.fail(`${repeats.length} repeats for the ${shape.length} axes of ${shapeText(shape)}`);
    }
    return [
      { dtype, shape: shape.map((dim, i): Dim => (repeats ? multiplyDims(dim, repeats[i]) : unknownDim(context, i))) },
    ];
  },
  slots(context) {
    const from = context.input(0).shape;
    const out = context.output(0).shape;
    context.set(
      0,
      context.axes(0).map((axis, i) => {
        if (dimEquals(from[i], out[i])) return axis;
        context.pin(axis, 'repeated by Tile');
        return uncut(context, out[i], 'repeated by Tile');
      }),
    );
  },
  gradient(context) {
    const { builder } = context;
    let gradient = context.outputGradients[0];
    if (!gradient || !context.wants(0)) return [undefined, undefined];
    const value = context.constant(1);
    if (!value) return context.fail('its repeats are not constant');
    toNumbers(value).forEach((count, axis) => {
      if (count === 1) return;
      const attributes = { axis: int(axis), ...(context.opset >= 18 ? { num_outputs: int(count) } : {}) };
      const parts = builder.multi('Split', [gradient!], attributes, { outputs: count });
      gradient = parts.reduce((sum, part) => builder.op('Add', [sum, part]));
    });
    return [gradient, undefined];
  },
  evaluate(context) {
    const x = context.input(0);
    const repeats = toNumbers(context.input(1));
    // [a, b] tiled [r, s] is [1, a, 1, b] broadcast to [r, a, s, b].
    const split = x.shape.flatMap((size, i) => [repeats[i], size]);
    const strides = stridesOf(x.shape).flatMap((stride) => [0, stride]);
    const spread = copyView(x, split, strides);
    return [
      reshaped(
        spread,
        x.shape.map((size, i) => size * repeats[i]),
      ),
    ];
  },
});

export const repeatOps: readonly OpRecord[] = [expand, tile];
