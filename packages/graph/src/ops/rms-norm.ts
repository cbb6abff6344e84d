import { getFloat } from '../graph.js';
import { defineOp, type GradientContext, type OpRecord } from '../op-record.js';
import { backwardOf } from './backward.js';
import { doublesOf } from './doubles.js';
import { mapAxes } from './fold-axes.js';
import { checkWeights, normAxes, normSlots } from './layer-norm.js';
import { affine } from './normalize.js';

const epsilonOf = ({ node }: Pick<GradientContext, 'node'>): number => getFloat(node, 'epsilon', 1e-5);

/** `x / sqrt(mean(x^2) + epsilon) * scale`, the mean over the last axes; `scale` broadcasts to x. */
export const rmsNormalization: OpRecord = defineOp({
  op: 'RMSNormalization',
  infer(context) {
    const { dtype, shape } = context.input(0);
    normAxes(context, shape.length, context.fail);
    checkWeights(context);
    return [{ dtype, shape }];
  },
  slots: normSlots,
  gradient(context) {
    const g = context.outputGradients[0];
    if (!g) return [undefined, undefined];
    const [x, scale] = context.node.inputs;
    const { shape } = context.input(0);
    const axes = normAxes(context, shape.length);
    const b = backwardOf(context);
    const r = b.op(
      'Reciprocal',
      b.op('Sqrt', b.op('Add', b.mean(b.op('Mul', x, x), axes), b.scalar(epsilonOf(context)))),
    );
    const normal = b.op('Mul', x, r);
    const product = b.op('Mul', g, normal);
    // dx = r (g scale - n mean(g scale n))
    const input = (): string => {
      const along = b.op('Mul', normal, b.mean(b.op('Mul', product, scale), axes));
      return b.op('Mul', b.op('Sub', b.op('Mul', g, scale), along), r);
    };
    return [context.wants(0) ? input() : undefined, context.wants(1) ? context.reduceTo(product, shape, 1) : undefined];
  },
  evaluate(context) {
    const x = context.input(0);
    const epsilon = epsilonOf(context);
    const normal = mapAxes(doublesOf(x), x.shape, normAxes(context, x.shape.length), (row) => {
      const square = row.reduce((sum, value) => sum + value * value, 0) / row.length;
      return row.map((value) => value / Math.sqrt(square + epsilon));
    });
    return [affine(context, normal, context.input(1).shape)];
  },
});
