import { defineOp, type OpRecord } from '../op-record.js';
import { backwardOf } from './backward.js';
import { doublesOf, tensorOfDoubles } from './doubles.js';

/** Bounds are inputs since opset 11; either may be left out. */
export const clip: OpRecord = defineOp({
  op: 'Clip',
  infer(context) {
    if (context.opset < 11)
      context.fail(`has its bounds as attributes (opset ${context.opset}); opset 11 or later expected`);
    const { dtype, shape } = context.input(0);
    return [{ dtype, shape }];
  },
  slots: (context) => context.set(0, context.axes(0)),
  gradient(context) {
    const { node, outputGradients } = context;
    const g = outputGradients[0];
    if (!g || !context.wants(0)) return [undefined];
    const b = backwardOf(context);
    // Compared with the bounds, not with the output: in half precision runtimes round the two differently.
    const [x, low, high] = node.inputs;
    const { dtype } = context.input(0);
    const above = low ? b.op('Mul', g, b.cast(b.op('GreaterOrEqual', x, low), dtype)) : g;
    return [high ? b.op('Mul', above, b.cast(b.op('LessOrEqual', x, high), dtype)) : above];
  },
  evaluate(context) {
    const { dtype, shape } = context.input(0);
    const low = context.inputs[1] ? Number(context.inputs[1].data[0]) : Number.NEGATIVE_INFINITY;
    const high = context.inputs[2] ? Number(context.inputs[2].data[0]) : Number.POSITIVE_INFINITY;
    const clipped = Float64Array.from(doublesOf(context.input(0)), (x) => Math.min(Math.max(x, low), high));
    return [tensorOfDoubles(dtype, shape, clipped)];
  },
});
