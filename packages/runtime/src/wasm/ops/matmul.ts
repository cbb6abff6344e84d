import { getFloat, getInt } from '@secateur/graph';
import type { ConstantValue } from '../values.js';
import { transposeView } from '../view.js';
import { attention } from './attention.js';
import { linear } from './linear.js';
import type { OpLowering } from './op-lowering.js';
import { pendingScores } from './scores.js';

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
    const isAll =
      a.factor === undefined && a.offset === 0 && a.strides.at(-1) === 1 && a.shape.length === b.shape.length;
    if (scores?.kind === 'scores' && scores.softmax && isAll && b.factor === undefined) {
      const y = attention(lowering, label, { ...scores, v: b }, a.shape);
      if (y) return [y];
    }
    return [pendingScores(lowering, label, a, b, context.outputShape())];
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
    const weight = value.kind === 'view' ? lowering.ready(value) : (source ?? value);
    return [linear(lowering, label, rows, weight, source ? !isTransposed : isTransposed, bias ? [bias] : [])];
  },
};

/** Whether a bias has one value for every column. */
function isVector(bias: ConstantValue | undefined, columns: number): boolean {
  const size = bias?.shape.reduce((product, n) => product * n, 1);
  return bias !== undefined && (size === 1 || (size === columns && bias.shape.at(-1) === columns));
}

export const matmulLowerings: readonly OpLowering[] = [matMul, gemm];
