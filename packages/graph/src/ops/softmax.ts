import { SecateurError } from '../errors.js';
import { type GraphNode, getInt } from '../graph.js';
import { defineOp, type GradientContext, type OpRecord } from '../op-record.js';
import { type Backward, backwardOf } from './backward.js';
import { doublesOf, tensorOfDoubles } from './doubles.js';
import { mapAxes } from './fold-axes.js';
import { normalAxis } from './views.js';

/** Axes normalised over: one since opset 13; before that all from `axis` on. */
function softmaxAxes(node: GraphNode, opset: number, rank: number, fail: (message: string) => never): number[] {
  const axis = normalAxis(getInt(node, 'axis', opset >= 13 ? -1 : 1), rank, fail);
  return opset >= 13 ? [axis] : Array.from({ length: rank - axis }, (_, i) => axis + i);
}

/** Gradient of x from `g` and the output `y`, over the last axes `axes`. */
type Formula = (b: Backward, g: string, y: string, axes: readonly number[]) => string;

function softmaxOp(op: string, f: (row: Float64Array) => Float64Array, formula: Formula): OpRecord {
  const never = (message: string): never => {
    throw new SecateurError('SHAPE_MISMATCH', `${op}: ${message}.`);
  };
  return defineOp({
    op,
    infer(context) {
      const { dtype, shape } = context.input(0);
      softmaxAxes(context.node, context.opset, shape.length, context.fail);
      return [{ dtype, shape }];
    },
    slots(context) {
      const axes = context.axes(0);
      for (const axis of softmaxAxes(context.node, context.opset, axes.length, never)) {
        context.pin(axes[axis], 'softmax over this axis');
      }
      context.set(0, axes);
    },
    gradient: (context) => [softmaxGradient(context, formula)],
    evaluate(context) {
      const { dtype, shape } = context.input(0);
      const axes = softmaxAxes(context.node, context.opset, shape.length, never);
      return [tensorOfDoubles(dtype, shape, mapAxes(doublesOf(context.input(0)), shape, axes, f))];
    },
  });
}

function softmaxGradient(context: GradientContext, formula: Formula): string | undefined {
  const { node, opset, outputGradients } = context;
  const g = outputGradients[0];
  if (!g || !context.wants(0)) return undefined;
  const axes = softmaxAxes(node, opset, context.input(0).shape.length, context.fail);
  return formula(backwardOf(context), g, node.outputs[0], axes);
}

function largest(row: Float64Array): number {
  return row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
}

/** Normalised exponentials of a row. */
export function softmaxRow(row: Float64Array): Float64Array {
  const top = largest(row);
  const powers = row.map((x) => Math.exp(x - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

function logSoftmaxRow(row: Float64Array): Float64Array {
  const top = largest(row);
  const log = top + Math.log(row.reduce((sum, x) => sum + Math.exp(x - top), 0));
  return row.map((x) => x - log);
}

/** Normalised exponentials and their logarithms. */
export const softmaxOps: readonly OpRecord[] = [
  // dx = y (g - sum(g y)) = g y - y sum(g y): the product is made once.
  softmaxOp('Softmax', softmaxRow, (b, g, y, axes) => {
    const product = b.op('Mul', g, y);
    return b.op('Sub', product, b.op('Mul', y, b.sum(product, axes)));
  }),
  // dx = g - exp(y) sum(g)
  softmaxOp('LogSoftmax', logSoftmaxRow, (b, g, y, axes) =>
    b.op('Sub', g, b.op('Mul', b.op('Exp', y), b.sum(g, axes))),
  ),
];
