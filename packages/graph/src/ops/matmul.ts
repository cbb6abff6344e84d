import { broadcastShapes, type Dim, isSymbolic, multiplyDims, productOfDims, shapeText, unifyDims } from '../dim.js';
import { type GraphNode, getFloat, getInt, int } from '../graph.js';
import { defineOp, type GradientContext, type InferContext, type OpRecord } from '../op-record.js';
import { allocate, sizeOf, type Tensor, tensor } from '../tensor.js';
import { scalarTensor } from './backward.js';
import { einsumRecord } from './einsum.js';
import { macsOf } from './macs-of.js';
import { broadcastTo, reshaped, transposed } from './views.js';

const matmul = defineOp({
  op: 'MatMul',
  infer(context) {
    const a = context.input(0);
    return [{ dtype: a.dtype, shape: matmulShape(context, a.shape, context.input(1).shape) }];
  },
  macs(context) {
    return macsOf(context, multiplyDims(productOfDims(context.output(0).shape), context.input(0).shape.at(-1)!));
  },
  slots(context) {
    const a = context.axes(0);
    const b = context.axes(1);
    const [rows, columns] = [a.slice(-2, -1), b.length > 1 ? b.slice(-1) : []];
    context.join(a.at(-1)!, b.at(b.length > 1 ? -2 : -1)!);
    // A constant on the left is a weight as well: its rows are made, its columns read.
    context.role(0, a.length - 1, 'consumer', { input: 1, axis: Math.max(0, b.length - 2) });
    if (a.length > 1) context.role(0, a.length - 2, 'producer');
    context.role(1, Math.max(0, b.length - 2), 'consumer', { input: 0, axis: a.length - 1 });
    if (b.length > 1) context.role(1, b.length - 1, 'producer');
    const batch = broadcastBatch(a.slice(0, -2), b.slice(0, -2), context.input(0).shape, context.input(1).shape);
    for (const { both } of batch) if (both) context.join(both[0], both[1]);
    context.set(0, [...batch.map(({ axis }) => axis), ...rows, ...columns]);
  },
  gradient: matmulGradient,
  evaluate(context) {
    return [multiply(context.input(0), context.input(1))];
  },
});

function matmulShape(context: InferContext, a: readonly Dim[], b: readonly Dim[]): Dim[] {
  const inner = a.at(-1);
  const other = b.at(b.length > 1 ? -2 : -1);
  if (inner === undefined || other === undefined)
    context.fail(`cannot multiply ${shapeText(a)} by ${shapeText(b)}: a scalar`);
  if (unifyDims(inner, other) === undefined) {
    context.fail(`cannot multiply ${shapeText(a)} by ${shapeText(b)}: inner dimensions differ`);
  }
  const batch = broadcastShapes(a.slice(0, -2), b.slice(0, -2));
  if (!batch) context.fail(`cannot multiply ${shapeText(a)} by ${shapeText(b)}: batch dimensions do not broadcast`);
  return [...batch, ...a.slice(-2, -1), ...(b.length > 1 ? b.slice(-1) : [])];
}

/** For every batch dimension of the product the axis it takes, and the two axes to join where both operands have it. */
function broadcastBatch<T>(
  a: readonly T[],
  b: readonly T[],
  aShape: readonly Dim[],
  bShape: readonly Dim[],
): { axis: T; both?: [T, T] }[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [ia, ib] = [i - rank + a.length, i - rank + b.length];
    if (ia < 0) return { axis: b[ib] };
    if (ib < 0 || bShape[ib] === 1) return { axis: a[ia] };
    if (aShape[ia] === 1) return { axis: b[ib] };
    return { axis: a[ia], both: [a[ia], b[ib]] };
  });
}

/**
 * dA = G B^T, dB = A^T G, summed over broadcast batch dimensions. Against a matrix of weights all leading dimensions
 * of A are rows, and dB is one product instead of a batch of them.
 */
function matmulGradient(context: GradientContext): (string | undefined)[] {
  const { builder, node, outputGradients } = context;
  const gradient = outputGradients[0];
  if (!gradient) return [undefined, undefined];
  const [a, b] = [context.input(0).shape, context.input(1).shape];
  if (a.length < 2 || b.length < 2)
    context.fail(`${shapeText(a)} by ${shapeText(b)}: vectors are not covered, only matrices`);
  const out = context.output(0).shape;
  const batch = out.slice(0, -2);
  let da: string | undefined;
  let db: string | undefined;
  if (context.wants(0)) {
    const product = builder.op('MatMul', [gradient, swapLast(context, node.inputs[1], b.length)]);
    da = context.reduceTo(product, [...batch, ...a.slice(-2)], 0);
  }
  if (context.wants(1)) {
    const [k, n] = b.slice(-2);
    if (b.length === 2 && !isSymbolic(k) && !isSymbolic(n)) {
      const rows = asRows(context, node.inputs[0], a.length, k);
      db = builder.op('Gemm', [rows, asRows(context, gradient, out.length, n)], { transA: int(1) });
    } else {
      const product = builder.op('MatMul', [swapLast(context, node.inputs[0], a.length), gradient]);
      db = context.reduceTo(product, [...batch, k, n], 1);
    }
  }
  return [da, db];
}

function asRows(context: GradientContext, value: string, rank: number, width: number): string {
  return rank === 2 ? value : context.builder.op('Reshape', [value, context.builder.ints([-1, width])]);
}

function swapLast(context: GradientContext, value: string, rank: number): string {
  const perm = Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i));
  return context.builder.op('Transpose', [value], { perm: { type: 'ints', value: perm } });
}

/** Matrix product with broadcast batch dimensions; vectors as ONNX treats them. */
export function multiply(a: Tensor, b: Tensor): Tensor {
  const left = a.shape.length === 1 ? reshaped(a, [1, a.shape[0]]) : a;
  const right = b.shape.length === 1 ? reshaped(b, [b.shape[0], 1]) : b;
  const [m, k] = left.shape.slice(-2);
  const n = right.shape.at(-1)!;
  const batch = broadcastShapes(left.shape.slice(0, -2), right.shape.slice(0, -2)) as number[];
  const x = broadcastTo(left, [...batch, m, k]).data as Float64Array;
  const y = broadcastTo(right, [...batch, k, n]).data as Float64Array;
  const count = sizeOf(batch);
  const data = allocate(a.dtype, count * m * n);
  const row = new Float64Array(n);
  for (let i = 0; i < count * m; i++) {
    const base = Math.floor(i / m) * k * n;
    row.fill(0);
    for (let p = 0; p < k; p++) {
      const value = x[i * k + p];
      for (let j = 0; j < n; j++) row[j] += value * y[base + p * n + j];
    }
    (data as Float64Array).set(row, i * n);
  }
  const shape = [...batch, ...(a.shape.length > 1 ? [m] : []), ...(b.shape.length > 1 ? [n] : [])];
  return tensor(a.dtype, shape, data);
}

const gemm = defineOp({
  op: 'Gemm',
  infer(context) {
    const { m, n, k, kb } = gemmDims(context.node, context.input(0).shape, context.input(1).shape, context.fail);
    if (unifyDims(k, kb) === undefined) {
      const [a, b] = [context.input(0).shape, context.input(1).shape].map(shapeText);
      context.fail(`cannot multiply ${a} by ${b}: inner dimensions differ`);
    }
    return [{ dtype: context.input(0).dtype, shape: [m, n] }];
  },
  macs(context) {
    const { m, n, k } = gemmDims(context.node, context.input(0).shape, context.input(1).shape, context.fail);
    return macsOf(context, productOfDims([m, n, k]));
  },
  slots(context) {
    const { transA, transB } = gemmFlags(context.node);
    const [rowAxis, innerA] = transA ? [1, 0] : [0, 1];
    const [innerB, columnAxis] = transB ? [1, 0] : [0, 1];
    const rows = context.axes(0)[rowAxis];
    const columns = context.axes(1)[columnAxis];
    context.join(context.axes(0)[innerA], context.axes(1)[innerB]);
    context.role(0, innerA, 'consumer', { input: 1, axis: innerB });
    context.role(0, rowAxis, 'producer');
    context.role(1, innerB, 'consumer', { input: 0, axis: innerA });
    context.role(1, columnAxis, 'producer');
    if (context.has(2)) {
      const bias = context.axes(2);
      const last = bias.length - 1;
      if (last >= 0) context.join(bias[last], columns);
      if (last >= 0) context.role(2, last, 'bias');
      if (last >= 1) context.join(bias[last - 1], rows);
    }
    context.set(0, [rows, columns]);
  },
  gradient: gemmGradient,
  evaluate(context) {
    const { transA, transB, alpha, beta } = gemmFlags(context.node);
    const a = transA ? transposed(context.input(0), [1, 0]) : context.input(0);
    const b = transB ? transposed(context.input(1), [1, 0]) : context.input(1);
    const product = multiply(a, b);
    const data = product.data as Float64Array;
    const bias = context.inputs[2] && (broadcastTo(context.inputs[2], product.shape).data as Float64Array);
    for (let i = 0; i < data.length; i++) data[i] = alpha * data[i] + (bias ? beta * bias[i] : 0);
    return [product];
  },
});

function gemmFlags(node: GraphNode): { transA: boolean; transB: boolean; alpha: number; beta: number } {
  return {
    transA: getInt(node, 'transA', 0) === 1,
    transB: getInt(node, 'transB', 0) === 1,
    alpha: getFloat(node, 'alpha', 1),
    beta: getFloat(node, 'beta', 1),
  };
}

function gemmDims(node: GraphNode, a: readonly Dim[], b: readonly Dim[], fail: (message: string) => never) {
  if (a.length !== 2 || b.length !== 2) fail(`operands must be matrices, are ${shapeText(a)} and ${shapeText(b)}`);
  const { transA, transB } = gemmFlags(node);
  const [m, k] = transA ? [a[1], a[0]] : a;
  const [kb, n] = transB ? [b[1], b[0]] : b;
  return { m, n, k, kb };
}

/** With `A' = transA ? A^T : A`: dA' = alpha G B'^T, dB' = alpha A'^T G, dC = beta G summed to C's shape. */
function gemmGradient(context: GradientContext): (string | undefined)[] {
  const { builder, node, outputGradients } = context;
  const gradient = outputGradients[0];
  if (!gradient) return node.inputs.map(() => undefined);
  const [a, b] = node.inputs;
  const { transA, transB, alpha, beta } = gemmFlags(node);
  const product = (left: string, right: string, flipLeft: boolean, flipRight: boolean) =>
    builder.op('Gemm', [left, right], {
      transA: int(flipLeft ? 1 : 0),
      transB: int(flipRight ? 1 : 0),
      alpha: { type: 'float', value: alpha },
    });
  const da = () => (transA ? product(b, gradient, transB, true) : product(gradient, b, false, !transB));
  const db = () => (transB ? product(gradient, a, true, transA) : product(a, gradient, !transA, false));
  const dc = () => {
    const factor = () => builder.tensor(scalarTensor(beta, context.input(0).dtype));
    const scaled = beta === 1 ? gradient : builder.op('Mul', [gradient, factor()]);
    return context.reduceTo(scaled, context.output(0).shape, 2);
  };
  const results = [context.wants(0) ? da() : undefined, context.wants(1) ? db() : undefined];
  if (node.inputs.length > 2) results.push(node.inputs[2] && context.wants(2) ? dc() : undefined);
  return results;
}

export const matmulOps: readonly OpRecord[] = [matmul, gemm, einsumRecord];
