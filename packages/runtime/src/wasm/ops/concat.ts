import { getInt } from '@secateur/graph';
import { newBuffer, orderOf, wholeView } from '../view.js';
import type { OpLowering } from './op-lowering.js';

/** Pending: layers and norms read channels of several tensors as if they were one. */
export const concat: OpLowering = {
  op: 'Concat',
  lower(context) {
    const { label, node } = context;
    const shape = context.outputShape();
    const given = getInt(node, 'axis', 0);
    const axis = given < 0 ? given + shape.length : given;
    const parts = node.inputs.map((_, i) => context.view(i)).filter((part) => part.shape[axis]! > 0);
    if (parts.length === 1) return [parts[0]!];
    const order = parts.length > 0 ? orderOf(parts[0]!) : [...shape.keys()];
    const pending = { kind: 'concat', label, parts, axis, order } as const;
    return [
      wholeView(
        newBuffer(
          label,
          shape.reduce((size, n) => size * n, 1),
          pending,
        ),
        shape,
        order,
      ),
    ];
  },
};
