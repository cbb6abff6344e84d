import type { Role, SlotContext } from '../coupling/slot-context.js';
import { broadcastShapes, type Dim, isSymbolic, shapeText } from '../dim.js';
import { SecateurError } from '../errors.js';
import { float, getFloat, getInt, int } from '../graph.js';
import { defineOp, type GradientContext, type InferContext, type OpRecord } from '../op-record.js';
import { type DType, isFloat } from '../tensor.js';
import { type Backward, backwardOf } from './backward.js';
import { doublesOf, tensorOfDoubles } from './doubles.js';
import { foldAxes, keptShape, mapAxes } from './fold-axes.js';
import { affine, filled, isFilledWith, standardize } from './normalize.js';
import { normalAxis } from './views.js';

type NormContext = Pick<GradientContext, 'node'>;

const epsilonOf = ({ node }: NormContext): number => getFloat(node, 'epsilon', 1e-5);

/** The axes normalised over: from attribute `axis` to the last. */
export function normAxes(context: NormContext, rank: number, fail: (message: string) => never = never): number[] {
  const first = normalAxis(getInt(context.node, 'axis', -1), rank, fail);
  return Array.from({ length: rank - first }, (_, i) => first + i);
}

function never(message: string): never {
  throw new SecateurError('SHAPE_MISMATCH', message);
}

/** Scale (input 1) and bias (input 2, if any) must broadcast to the shape of x. */
export function checkWeights(context: InferContext): void {
  const { shape } = context.input(0);
  for (const i of [1, 2]) {
    if (!context.has(i)) continue;
    const weights = context.input(i).shape;
    const together = weights.length <= shape.length ? broadcastShapes(shape, weights) : undefined;
    if (!together || together.some((dim, axis) => shape[axis] === 1 && dim !== 1)) {
      context.fail(`input ${i} of shape ${shapeText(weights)} does not broadcast to ${shapeText(shape)}`);
    }
  }
}

/** Scale and bias live and die with the axes of x that they are laid along. */
export function normSlots(context: SlotContext): void {
  const x = context.axes(0);
  const roles: [number, Role][] = [
    [1, 'scale'],
    [2, 'norm-bias'],
  ];
  for (const [i, role] of roles) {
    if (!context.has(i)) continue;
    const axes = context.axes(i);
    axes.forEach((axis, k) => {
      if (context.input(i).shape[k] === 1) return;
      context.role(i, k, role);
      context.join(x[x.length - axes.length + k], axis);
    });
  }
  context.set(0, x);
}

/** Mean and inverse deviation, outputs 1 and 2, are computed in at least single precision. */
function statisticsDtype(dtype: DType): DType {
  return isFloat(dtype) && dtype !== 'float64' ? 'float32' : dtype;
}

/** `x` normalised over its last axes; `scale` and optional `bias` broadcast to x. */
export const layerNormalization: OpRecord = defineOp({
  op: 'LayerNormalization',
  infer(context) {
    const { dtype, shape } = context.input(0);
    const axes = normAxes(context, shape.length, context.fail);
    checkWeights(context);
    const statistics = { dtype: statisticsDtype(dtype), shape: keptShape<Dim>(shape, axes, true) };
    return [{ dtype, shape }, statistics, statistics];
  },
  slots(context) {
    normSlots(context);
    const kept = normAxes(context, context.axes(0).length)[0];
    const statistics = context.axes(0).map((axis, i) => (i < kept ? axis : context.blank()));
    context.set(1, statistics);
    context.set(2, statistics);
  },
  gradient(context) {
    const [g, ...others] = context.outputGradients;
    if (others.some(Boolean)) context.fail('its mean and inverse deviation are used, not only its first output');
    if (!g) return [undefined, undefined, undefined];
    const { shape } = context.input(0);
    const b = backwardOf(context);
    const [normal, r] = renormalized(context, b);
    const product = b.op('Mul', g, normal);
    return [
      context.wants(0) ? inputGradient(context, b, { g, normal, product, r }) : undefined,
      context.wants(1) ? context.reduceTo(product, shape, 1) : undefined,
      context.node.inputs[2] && context.wants(2) ? context.reduceTo(g, shape, 2) : undefined,
    ];
  },
  evaluate(context) {
    const x = context.input(0);
    const axes = normAxes(context, x.shape.length);
    const epsilon = epsilonOf(context);
    const values = doublesOf(x);
    const normal = mapAxes(values, x.shape, axes, (row) => standardize(row, epsilon));
    const mean = (row: Float64Array): number => row.reduce((sum, value) => sum + value, 0) / row.length;
    const inverse = (row: Float64Array): number => {
      const centre = mean(row);
      return 1 / Math.sqrt(mean(row.map((value) => (value - centre) ** 2)) + epsilon);
    };
    const y = affine(context, normal, context.input(1).shape);
    if (context.node.outputs.length === 1) return [y];
    const kept = keptShape(x.shape, axes, true);
    const statistic = (f: (row: Float64Array) => number) =>
      tensorOfDoubles(statisticsDtype(x.dtype), kept, foldAxes(values, x.shape, axes, f));
    return [y, statistic(mean), statistic(inverse)];
  },
});

/** The normalised input n and r = 1/sqrt(variance + epsilon), from one run of the same kernel. */
function renormalized(context: GradientContext, b: Backward): [string, string] {
  const { dtype } = context.input(0);
  const shape = context.input(1).shape;
  if (shape.some(isSymbolic)) context.fail('a scale whose size is known only at run time');
  const ones = context.builder.tensor(filled(dtype, shape as number[], 1));
  const attributes = { axis: int(getInt(context.node, 'axis', -1)), epsilon: float(epsilonOf(context)) };
  const [normal, , r] = context.builder.multi('LayerNormalization', [context.node.inputs[0], ones], attributes, {
    outputs: 3,
  });
  return [normal, statisticsDtype(dtype) === dtype ? r : b.cast(r, dtype)];
}

/** dx = r (g scale - mean(g scale) - n mean(g scale n)) */
function inputGradient(
  context: GradientContext,
  b: Backward,
  { g, normal, product, r }: { g: string; normal: string; product: string; r: string },
): string {
  const axes = normAxes(context, context.input(0).shape.length);
  const scaled = isFilledWith(context, 1, 1)
    ? (value: string) => value
    : (value: string) => b.op('Mul', value, context.node.inputs[1]);
  const gs = scaled(g);
  const centred = b.op('Sub', gs, b.mean(gs, axes));
  const rest = b.op('Sub', centred, b.op('Mul', normal, b.mean(scaled(product), axes)));
  return b.op('Mul', rest, r);
}
