import { dimEquals, isSymbolic } from '../dim.js';
import { defineOp, type GradientContext, type OpRecord } from '../op-record.js';
import { backwardOf } from './backward.js';
import { broadcastElements, broadcastSlots, inferBroadcast, mapBroadcast } from './broadcast.js';
import { tensorOfDoubles } from './doubles.js';
import { intType } from './views.js';

function extremum(op: string, f: (...values: number[]) => number): OpRecord {
  return defineOp({
    op,
    infer(context) {
      const shape = inferBroadcast(context);
      const elements = broadcastElements(context, shape, (row) => {
        if (row.every((dim) => dimEquals(dim, row[0]))) return row[0];
        return row.some(isSymbolic) ? undefined : f(...(row as number[]));
      });
      return [intType(context.input(0).dtype, shape, elements)];
    },
    slots: (context) =>
      context.set(
        0,
        broadcastSlots(
          context,
          Array.from({ length: context.inputCount }, (_, i) => i),
          'factor',
        ),
      ),
    gradient: extremumGradient,
    evaluate(context) {
      const inputs = context.node.inputs.map((_, i) => context.input(i));
      const { shape, values } = mapBroadcast(inputs, f);
      return [tensorOfDoubles(inputs[0].dtype, shape, values)];
    },
  });
}

/** The gradient goes to the inputs that attain the extremum, in equal parts where several do. */
function extremumGradient(context: GradientContext): (string | undefined)[] {
  const { node, outputGradients } = context;
  const g = outputGradients[0];
  if (!g) return node.inputs.map(() => undefined);
  const b = backwardOf(context);
  const attains = node.inputs.map((x) => b.cast(b.op('Equal', x, node.outputs[0]), context.input(0).dtype));
  const share = b.op(
    'Div',
    g,
    attains.reduce((sum, mask) => b.op('Add', sum, mask)),
  );
  return node.inputs.map((_, i) =>
    context.wants(i) ? context.reduceTo(b.op('Mul', share, attains[i]), context.output(0).shape, i) : undefined,
  );
}

export const extremumOps: readonly OpRecord[] = [extremum('Min', Math.min), extremum('Max', Math.max)];
