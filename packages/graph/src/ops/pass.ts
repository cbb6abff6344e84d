import { SecateurError } from '../errors.js';
import { getFloat } from '../graph.js';
import { defineOp, type OpRecord } from '../op-record.js';
import { allocate, sizeOf, type Tensor } from '../tensor.js';

const identity = defineOp({
  op: 'Identity',
  infer: (context) => [context.input(0)],
  slots: (context) => context.set(0, context.axes(0)),
  gradient: ({ outputGradients }) => [outputGradients[0]],
  evaluate: (context) => [context.input(0)],
});

/** At inference a Dropout passes its input through; one that trains would make results random, and is refused. */
const dropout = defineOp({
  op: 'Dropout',
  infer(context) {
    const x = context.input(0);
    return [x, { dtype: 'bool', shape: x.shape }];
  },
  slots(context) {
    context.set(0, context.axes(0));
    context.set(1, context.axes(0));
  },
  gradient: ({ outputGradients }) => [outputGradients[0]],
  evaluate(context) {
    const x = context.input(0);
    const ratio = context.inputs[1] ? Number(context.inputs[1].data[0]) : getFloat(context.node, 'ratio', 0.5);
    if (context.inputs[2] && Number(context.inputs[2].data[0]) !== 0 && ratio !== 0) {
      throw new SecateurError('BAD_DATA', `Dropout "${context.node.name}" is in training mode with ratio ${ratio}.`, {
        field: context.node.name,
        hint: 'Export the model for inference (model.eval()).',
      });
    }
    return [x, ones(x.shape)];
  },
});

function ones(shape: readonly number[]): Tensor {
  return { dtype: 'bool', shape, data: allocate('bool', sizeOf(shape)).fill(1 as never) };
}

/** Operators that hand their input on as it is. */
export const passOps: readonly OpRecord[] = [identity, dropout];
