import { isSymbolic, shapeText } from '../dim.js';
import { getFloat, getInt } from '../graph.js';
import { defineOp, type GradientContext, type InferContext, type OpRecord } from '../op-record.js';
import { sizeOf } from '../tensor.js';
import { type Backward, backwardOf } from './backward.js';
import { doublesOf } from './doubles.js';
import { mapAxes } from './fold-axes.js';
import { affine, inverseDeviation, normalizedRows, standardize } from './normalize.js';

const epsilonOf = ({ node }: Pick<GradientContext, 'node'>): number => getFloat(node, 'epsilon', 1e-5);
const groupsOf = ({ node }: Pick<GradientContext, 'node'>): number => getInt(node, 'num_groups', 0);

/** Numbers of norm groups and of channels in each. */
function groupSizes(context: InferContext | GradientContext): { groups: number; perGroup: number } {
  const { shape } = context.input(0);
  const groups = groupsOf(context);
  const channels = shape[1];
  if (shape.length < 2 || isSymbolic(channels))
    return context.fail(`input ${shapeText(shape)} needs a known number of channels`);
  if (groups < 1 || channels % groups !== 0) context.fail(`${channels} channels do not divide into ${groups} groups`);
  return { groups, perGroup: channels / groups };
}

/**
 * `x: [batch, channels, ...]`, normalised over groups of consecutive channels; `scale`, `bias`: `[channels]`, as since
 * opset 21. The form of opset 18, one scale for every norm group, is refused: no framework means it.
 */
export const groupNormalization: OpRecord = defineOp({
  op: 'GroupNormalization',
  infer(context) {
    const { dtype, shape } = context.input(0);
    const { groups } = groupSizes(context);
    for (const i of [1, 2]) {
      const weights = context.input(i).shape;
      if (weights.length === 1 && weights[0] === shape[1]) continue;
      const form = weights.length === 1 && weights[0] === groups ? ' (one per norm group, the form of opset 18)' : '';
      context.fail(`input ${i} is ${shapeText(weights)}${form}; one value for each of ${shape[1]} channels expected`);
    }
    return [{ dtype, shape }];
  },
  slots(context) {
    const x = context.axes(0);
    context.role(1, 0, 'scale');
    context.role(2, 0, 'norm-bias');
    for (const i of [1, 2]) context.join(x[1], context.axes(i)[0]);
    context.normGroups(x[1], groupsOf(context));
    context.set(0, x);
  },
  gradient(context) {
    const g = context.outputGradients[0];
    return g ? gradients(context, g) : [undefined, undefined, undefined];
  },
  evaluate(context) {
    const x = context.input(0);
    const [batch, channels, ...spatial] = x.shape;
    const groups = groupsOf(context);
    const rows = [batch, groups, (channels / groups) * sizeOf(spatial)];
    const normal = mapAxes(doublesOf(x), rows, [2], (row) => standardize(row, epsilonOf(context)));
    return [affine(context, normal, [channels, ...spatial.map(() => 1)])];
  },
});

/**
 * With n the normalised input, r = 1/sqrt(variance + epsilon), means over norm groups:
 *
 *     dx = r (g scale - mean(g scale) - n mean(g scale n)),   dscale = sum(g n),   dbias = sum(g)
 *
 * Everything is seen as `[batch, groups, channels per group, pixels]`. The sums over pixels of g and g n serve all three
 * gradients; what is left of the means is work on a few numbers per channel.
 */
function gradients(context: GradientContext, g: string): (string | undefined)[] {
  const b = backwardOf(context);
  const { groups, perGroup } = groupSizes(context);
  const view = [0, groups, perGroup, -1];
  const rows = b.reshape(context.node.inputs[0], [0, groups, -1]);
  const normalRows = normalizedRows(context, rows, groups, epsilonOf(context));
  const normal = b.reshape(normalRows, view);
  const g4 = b.reshape(g, view);
  const meanG = b.mean(g4, [3]);
  const meanProduct = b.mean(b.op('Mul', g4, normal), [3]);
  const weightGradient = (mean: string, i: number): string | undefined =>
    context.wants(i) ? b.reshape(b.op('Mul', b.sum(mean, [0]), pixelCount(context, b)), [-1]) : undefined;
  const input = (): string => {
    const scale = b.reshape(context.node.inputs[1], [groups, perGroup, 1]);
    const r = b.unsqueeze(inverseDeviation(b, rows, normalRows, [2], epsilonOf(context)), [3]);
    const overGroup = (mean: string): string => b.op('Mul', b.mean(b.op('Mul', mean, scale), [2]), r);
    const scaled = b.op('Sub', b.op('Mul', g4, b.op('Mul', scale, r)), b.op('Mul', normal, overGroup(meanProduct)));
    return context.builder.op('Reshape', [
      b.op('Sub', scaled, overGroup(meanG)),
      context.shapeValue(context.input(0).shape, context.node.inputs[0]),
    ]);
  };
  return [context.wants(0) ? input() : undefined, weightGradient(meanProduct, 1), weightGradient(meanG, 2)];
}

/** Elements of a channel: 1 where nothing follows the channels. */
function pixelCount(context: GradientContext, b: Backward): string {
  return b.count(
    context
      .input(0)
      .shape.map((_, axis) => axis)
      .slice(2),
  );
}
