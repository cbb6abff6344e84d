import { getString } from '@secateur/graph';
import { broadcastView, transposeView, type View } from '../view.js';
import { binaryStep } from './binary.js';
import type { OpLowering } from './op-lowering.js';

/** Of one operand a transpose, of two that share no sum a product with axes aligned: what exporters write patches and tables with. */
export const einsum: OpLowering = {
  op: 'Einsum',
  lower(context) {
    const { lowering, label, node } = context;
    const [left, result] = getString(node, 'equation', '').replace(/\s/g, '').split('->');
    const operands = left!.split(',');
    const isSummed = result === undefined || [...operands.join('')].some((name) => !result.includes(name));
    if (isSummed || operands.length > 2) return undefined;
    const shape = context.outputShape();
    const aligned = operands.map((names, i): View => {
      const order = [...result].filter((name) => names.includes(name)).map((name) => names.indexOf(name));
      const view = transposeView(lowering.ready(context.view(i)), order);
      let axis = 0;
      const present = [...result].map((name) => (names.includes(name) ? axis++ : -1));
      return {
        ...view,
        shape: present.map((at) => (at < 0 ? 1 : view.shape[at]!)),
        strides: present.map((at) => (at < 0 ? 0 : view.strides[at]!)),
      };
    });
    if (aligned.length === 1) return [aligned[0]!];
    const y = lowering.make(label, shape);
    const [a, b] = aligned.map((view) => broadcastView(view, shape)) as [View, View];
    lowering.emit(binaryStep(label, 'Mul', a, b, y));
    return [y];
  },
};
