import { broadcastShapes, type Dim, isSymbolic } from '../dim.js';
import { defineOp, type GradientContext, type OpRecord } from '../op-record.js';
import { allocate, sizeOf } from '../tensor.js';
import { backwardOf } from './backward.js';
import { broadcastElements, broadcastOffsets, broadcastSlots, inferBroadcast } from './broadcast.js';
import { intType } from './views.js';

/** Input 1 where the condition (input 0) holds, input 2 elsewhere. */
export const where: OpRecord = defineOp({
  op: 'Where',
  infer(context) {
    const [a, b] = [context.input(1).dtype, context.input(2).dtype];
    if (a !== b) context.fail(`chooses between ${a} and ${b}`);
    const shape = inferBroadcast(context);
    const elements = broadcastElements(context, shape, ([condition, yes, no]): Dim | undefined =>
      isSymbolic(condition) ? undefined : condition ? yes : no,
    );
    return [intType(a, shape, elements)];
  },
  slots: (context) => context.set(0, broadcastSlots(context, [0, 1, 2], 'factor')),
  gradient(context) {
    const g = context.outputGradients[0];
    return g ? [undefined, branch(context, g, 1), branch(context, g, 2)] : [undefined, undefined, undefined];
  },
  evaluate(context) {
    const [condition, yes, no] = [context.input(0), context.input(1), context.input(2)];
    const shape = broadcastShapes(broadcastShapes(condition.shape, yes.shape)!, no.shape) as number[];
    const [c, a, b] = [condition, yes, no].map((input) => broadcastOffsets(input.shape, shape));
    // Copied rather than computed: int64 keeps all its bits.
    const data = allocate(yes.dtype, sizeOf(shape));
    for (let i = 0; i < data.length; i++) data[i] = condition.data[c[i]] ? yes.data[a[i]] : no.data[b[i]];
    return [{ dtype: yes.dtype, shape, data }];
  },
});

/** The gradient where branch `i` was taken, zero elsewhere. */
function branch(context: GradientContext, g: string, i: 1 | 2): string | undefined {
  if (!context.wants(i)) return undefined;
  const b = backwardOf(context, i);
  const condition = context.node.inputs[0];
  const chosen = i === 1 ? b.op('Where', condition, g, b.scalar(0)) : b.op('Where', condition, b.scalar(0), g);
  return context.reduceTo(chosen, context.output(0).shape, i);
}
