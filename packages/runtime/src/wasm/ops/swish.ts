import { getFloat } from '@secateur/graph';
import { newBuffer, orderOf } from '../view.js';
import { siluStep } from './elementwise.js';
import type { OpLowering } from './op-lowering.js';

/** SiLU: of a pending norm it stays pending with it, for the next layer's input. */
export const swish: OpLowering = {
  op: 'Swish',
  lower(context) {
    if (getFloat(context.node, 'alpha', 1) !== 1) return undefined;
    const { lowering, label } = context;
    const x = context.view(0);
    const { pending } = x.buffer;
    if (pending?.kind === 'affine' && !pending.input.silu && x.factor === undefined) {
      const input = { ...pending.input, silu: true };
      return [{ ...x, buffer: newBuffer(label, x.buffer.size, { ...pending, label, input }) }];
    }
    const ready = lowering.ready(x);
    const y = lowering.make(label, ready.shape, orderOf(ready));
    lowering.emit(siluStep(ready, y));
    return [y];
  },
};
