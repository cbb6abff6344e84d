import { isSymbolic, shapeText } from '../dim.js';
import { getFloat } from '../graph.js';
import { defineOp, type GradientContext, type InferContext, type OpRecord, type ValueType } from '../op-record.js';
import { type Backward, backwardOf } from './backward.js';
import { doublesOf } from './doubles.js';
import { mapAxes } from './fold-axes.js';
import { affine, inverseDeviation, isFilledWith, normalizedRows, standardize } from './normalize.js';

/** Checks x `[batch, channels, ...]` against `size` values of input 1 and 2, one for every `what`. */
export function inferNorm(context: InferContext): ValueType[] {
  const { dtype, shape } = context.input(0);
  if (shape.length < 2) context.fail(`input ${shapeText(shape)} has rank ${shape.length}; at least 2 expected`);
  for (const i of [1, 2]) {
    const weights = context.input(i).shape;
    const fits = weights.length === 1 && (isSymbolic(shape[1]) || isSymbolic(weights[0]) || weights[0] === shape[1]);
    if (!fits)
      context.fail(
        `input ${shapeText(shape)} needs [${shapeText([shape[1]]).slice(1, -1)}] as input ${i}, not ${shapeText(weights)}`,
      );
  }
  return [{ dtype, shape }];
}

const epsilonOf = ({ node }: Pick<GradientContext, 'node'>): number => getFloat(node, 'epsilon', 1e-5);

/** Axes after batch and channels. */
const spatialAxes = (rank: number): number[] => Array.from({ length: rank - 2 }, (_, i) => i + 2);

/** `x: [batch, channels, ...]`, every channel of every sample normalised alone; `scale`, `bias`: `[channels]`. */
export const instanceNormalization: OpRecord = defineOp({
  op: 'InstanceNormalization',
  infer: inferNorm,
  slots(context) {
    const x = context.axes(0);
    context.role(1, 0, 'scale');
    context.role(2, 0, 'norm-bias');
    for (const i of [1, 2]) context.join(x[1], context.axes(i)[0]);
    context.set(0, x);
  },
  gradient(context) {
    const g = context.outputGradients[0];
    if (!g) return [undefined, undefined, undefined];
    const b = backwardOf(context);
    const axes = spatialAxes(context.input(0).shape.length);
    const others = [0, ...axes];
    const normal = normalOf(context);
    const product = b.op('Mul', g, normal);
    return [
      context.wants(0) ? inputGradient(context, b, { g, normal, product, axes }) : undefined,
      context.wants(1) ? b.sum(product, others, false) : undefined,
      context.wants(2) ? b.sum(g, others, false) : undefined,
    ];
  },
  evaluate(context) {
    const x = context.input(0);
    const axes = spatialAxes(x.shape.length);
    const epsilon = epsilonOf(context);
    const normal = mapAxes(doublesOf(x), x.shape, axes, (row) => standardize(row, epsilon));
    return [affine(context, normal, [x.shape[1], ...axes.map(() => 1)])];
  },
});

/** The normalised input: the output itself where scale and bias do nothing. */
function normalOf(context: GradientContext): string {
  if (isFilledWith(context, 1, 1) && isFilledWith(context, 2, 0)) return context.node.outputs[0];
  const channels = context.input(1).shape[0];
  if (isSymbolic(channels)) context.fail('a number of channels known only at run time');
  return normalizedRows(context, context.node.inputs[0], channels, epsilonOf(context));
}

/** dx = r scale (g - mean(g) - n mean(g n)), with n the normalised input and r = 1/sqrt(variance + epsilon). */
function inputGradient(
  context: GradientContext,
  b: Backward,
  { g, normal, product, axes }: { g: string; normal: string; product: string; axes: readonly number[] },
): string {
  const centred = b.op('Sub', g, b.mean(g, axes));
  const rest = b.op('Sub', centred, b.op('Mul', normal, b.mean(product, axes)));
  const r = inverseDeviation(b, context.node.inputs[0], normal, axes, epsilonOf(context));
  if (isFilledWith(context, 1, 1)) return b.op('Mul', rest, r);
  const scale = b.reshape(context.node.inputs[1], [-1, ...axes.map(() => 1)]);
  return b.op('Mul', rest, b.op('Mul', r, scale));
}
