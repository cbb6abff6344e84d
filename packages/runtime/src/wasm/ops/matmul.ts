import { getFloat, getInt } from '@secateur/graph';
import type { ConstantValue } from '../values.js';
import { newBuffer, transposeView, type View, wholeView } from '../view.js';
import { attention } from './attention.js';
import { linear } from './linear.js';
import type { OpLowering } from './op-lowering.js';

/** By a weight a linear layer; of two activations scores, or what attention makes of scores and values. */
const matMul: OpLowering = {
  op: 'MatMul',
  lower(context) {
    const { lowering, label } = context;
    if (context.shape(0).length < 2 || context.shape(1).length < 2) return undefined;
    const weight = context.constant(1);
    if (weight && weight.shape.length === 2) {
      const source = weight.transposeOf;
      return [linear(lowering, label, context.view(0), source ?? weight, source !== undefined)];
    }
    const [a, b] = [context.view(0), context.view(1)];
    const scores = a.buffer.pending;
    if (scores?.kind === 'scores' && scores.softmax) {
      const y = attention(lowering, label, scores, a, b);
      if (y) return [y];
    }
    const shape = context.outputShape();
    const scale = (a.factor ?? 1) * (b.factor ?? 1);
    const plain = (view: View): View => (view.factor === undefined ? view : { ...view, factor: undefined });
    const pending = { kind: 'scores', label, q: plain(a), k: plain(b), scale, softmax: false } as const;
    for (const operand of [a, b]) lowering.ready(plain(operand));
    const buffer = newBuffer(
      label,
      shape.reduce((size, n) => size * n, 1),
      pending,
    );
    return [wholeView(buffer, shape)];
  },
};

const gemm: OpLowering = {
  op: 'Gemm',
  lower(context) {
    const { lowering, label, node } = context;
    if (getFloat(node, 'alpha', 1) !== 1 || getFloat(node, 'beta', 1) !== 1) return undefined;
    const value = context.value(1);
    const bias = context.constant(2);
    if (value.kind === 'host' || (context.has(2) && !isVector(bias, context.outputShape()[1]!))) return undefined;
    const x = context.view(0);
    const rows = getInt(node, 'transA', 0) === 1 ? transposeView(x, [1, 0]) : x;
    const isTransposed = getInt(node, 'transB', 0) === 1;
    const source = value.kind === 'constant' ? value.transposeOf : undefined;
    return [linear(lowering, label, rows, source ?? value, source ? !isTransposed : isTransposed, bias ? [bias] : [])];
  },
};

/** Whether a bias has one value for every column. */
function isVector(bias: ConstantValue | undefined, columns: number): boolean {
  const size = bias?.shape.reduce((product, n) => product * n, 1);
  return bias !== undefined && (size === 1 || (size === columns && bias.shape.at(-1) === columns));
}

export const matmulLowerings: readonly OpLowering[] = [matMul, gemm];
