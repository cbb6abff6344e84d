import { addDims, type Dim, isSymbolic, multiplyDims, productOfDims, shapeText, unifyDims } from '../dim.js';
import { float, type GraphNode, getFloat, getInt, int, ints } from '../graph.js';
import {
  defineOp,
  type EvaluateContext,
  type GradientContext,
  type InferContext,
  type OpRecord,
} from '../op-record.js';
import type { Tensor } from '../tensor.js';
import { type Backward, backwardOf } from './backward.js';
import { doublesOf, tensorOfDoubles } from './doubles.js';
import { mapAxes } from './fold-axes.js';
import { multiply } from './matmul.js';
import { softmaxRow } from './softmax.js';
import { broadcastTo, transposed } from './views.js';

/**
 * `softmax(scale q k^T + mask) v` of `q: [batch, heads, queries, d]`, `k: [batch, heads, keys, d]` and
 * `v: [batch, heads, keys, dv]`, with an optional mask that broadcasts to `[batch, heads, queries, keys]`: numbers to add,
 * or booleans saying which keys a query sees. `is_causal` hides the keys after the query's own place.
 *
 * Inputs of rank 3 are brought to this form when an ONNX file is read. Caches of past keys, groups of queries that share a
 * head of keys, and soft caps are refused: no diffusion model has them.
 */
export const attention: OpRecord = defineOp({
  op: 'Attention',
  infer(context) {
    const [q, k, v] = [0, 1, 2].map((i) => context.input(i).shape);
    refuseRest(context);
    for (const shape of [q, k, v]) {
      if (shape.length !== 4) context.fail(`an input is ${shapeText(shape)}; [batch, heads, length, size] expected`);
    }
    const same = (a: Dim, b: Dim, what: string): Dim =>
      unifyDims(a, b) ?? context.fail(`${what} differ: ${shapeText(q)}, ${shapeText(k)}, ${shapeText(v)}`);
    const batch = same(same(q[0], k[0], 'batches'), v[0], 'batches');
    const heads = same(same(q[1], k[1], 'numbers of heads'), v[1], 'numbers of heads');
    same(q[3], k[3], 'sizes of queries and keys');
    same(k[2], v[2], 'lengths of keys and values');
    return [{ dtype: context.input(0).dtype, shape: [batch, heads, q[2], v[3]] }];
  },
  macs(context) {
    const { shape } = context.input(0);
    const scores = multiplyDims(productOfDims(shape.slice(0, 3)), context.input(1).shape[2]);
    return { weights: 0, products: multiplyDims(scores, addDims(shape[3], context.input(2).shape[3])) };
  },
  slots(context) {
    const [q, k, v] = [context.axes(0), context.axes(1), context.axes(2)];
    for (const axis of [0, 1]) {
      context.join(q[axis], k[axis]);
      context.join(q[axis], v[axis]);
    }
    context.join(q[3], k[3]);
    context.join(k[2], v[2]);
    context.pin(k[2], 'softmax over this axis');
    if (context.has(3)) {
      const mask = context.axes(3);
      const scores = [q[0], q[1], q[2], k[2]].slice(-mask.length);
      mask.forEach((axis, i) => {
        if (context.input(3).shape[i] === 1) return;
        context.role(3, i, 'factor');
        context.join(scores[i], axis);
      });
    }
    context.set(0, [q[0], q[1], q[2], v[3]]);
  },
  rewrite(context) {
    // The default scale follows the size of a head; what was trained is the old one.
    const size = context.oldInput(0).shape[3];
    if (!context.keptInput(0, 3) || context.node.attributes.scale || isSymbolic(size)) return;
    context.setAttribute('scale', float(1 / Math.sqrt(size)));
  },
  gradient: attentionGradient,
  evaluate(context) {
    const [q, k, v] = [context.input(0), context.input(1), context.input(2)];
    const scores = multiply(q, transposed(k, [0, 1, 3, 2]));
    const scale = scaleOf(context.node, q.shape[3]);
    const bias = biasOf(context, scores.shape);
    const rows = Float64Array.from(doublesOf(scores), (score, i) => score * scale + bias[i]);
    const weights = mapAxes(rows, scores.shape, [3], softmaxRow);
    return [multiply(tensorOfDoubles(q.dtype, scores.shape, weights), v)];
  },
});

function refuseRest(context: InferContext): void {
  const { node } = context;
  if ([4, 5, 6].some((i) => context.has(i))) context.fail('caches of past keys and values are not covered');
  if (node.outputs.slice(1).some(Boolean)) context.fail('outputs other than the first are not covered');
  if (getFloat(node, 'softcap', 0) !== 0) context.fail('a soft cap is not covered');
  if (getInt(node, 'q_num_heads', 1) !== getInt(node, 'kv_num_heads', getInt(node, 'q_num_heads', 1)))
    context.fail('groups of queries that share a head of keys are not covered');
}

function scaleOf(node: GraphNode, size: number): number {
  return getFloat(node, 'scale', 1 / Math.sqrt(size));
}

function isCausal(node: GraphNode): boolean {
  return getInt(node, 'is_causal', 0) === 1;
}

/** What is added to the scores, one number for each of them. */
function biasOf(context: EvaluateContext, shape: readonly number[]): Float64Array {
  const [queries, keys] = shape.slice(-2);
  const mask = context.inputs[3];
  const given = mask && doublesOf(broadcastTo(mask, shape));
  const isBool = mask?.dtype === 'bool';
  return Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => {
    if (isCausal(context.node) && i % keys > Math.floor(i / keys) % queries) return Number.NEGATIVE_INFINITY;
    if (!given) return 0;
    return isBool ? (given[i] ? 0 : Number.NEGATIVE_INFINITY) : given[i];
  });
}

/**
 * With p the weights: dv = p^T g, ds = p (g v^T - sum(p g v^T)), dq = scale ds k, dk = scale ds^T q, and ds for the mask.
 * The weights are computed again: the node does not give them.
 */
function attentionGradient(context: GradientContext): (string | undefined)[] {
  const { node, outputGradients } = context;
  const g = outputGradients[0];
  if (!g) return node.inputs.map(() => undefined);
  const b = backwardOf(context);
  const [q, k, v] = node.inputs;
  const swap = (value: string): string => context.builder.op('Transpose', [value], { perm: ints([0, 1, 3, 2]) });
  const size = context.input(0).shape[3];
  if (isSymbolic(size)) return context.fail('the size of its heads is symbolic');
  const scale = b.scalar(scaleOf(node, size));
  const scores = masked(context, b, b.op('Mul', b.op('MatMul', q, swap(k)), scale));
  const weights = context.builder.op('Softmax', [scores], { axis: int(-1) });
  const along = b.op('Mul', b.op('MatMul', g, swap(v)), weights);
  const ds = b.op('Sub', along, b.op('Mul', weights, b.sum(along, [3])));
  const scaled = b.op('Mul', ds, scale);
  const shape = [...context.input(0).shape.slice(0, 3), context.input(1).shape[2]];
  const gradients = [
    context.wants(0) ? b.op('MatMul', scaled, k) : undefined,
    context.wants(1) ? b.op('MatMul', swap(scaled), q) : undefined,
    context.wants(2) ? b.op('MatMul', swap(weights), g) : undefined,
    node.inputs[3] && context.wants(3) ? context.reduceTo(ds, shape, 3) : undefined,
  ];
  return gradients.slice(0, node.inputs.length);
}

function masked(context: GradientContext, b: Backward, scores: string): string {
  const { node, builder } = context;
  const hidden = b.scalar(Number.NEGATIVE_INFINITY);
  let result = scores;
  if (node.inputs[3]) {
    const isBool = context.input(3).dtype === 'bool';
    result = isBool ? b.op('Where', node.inputs[3], result, hidden) : b.op('Add', result, node.inputs[3]);
  }
  if (!isCausal(node)) return result;
  const lengths = [0, 1].map((i) => b.op('Gather', b.op('Shape', node.inputs[i]), builder.ints([2])));
  const one: Tensor = { dtype: 'int64', shape: [1], data: BigInt64Array.of(1n) };
  const ones = builder.op('ConstantOfShape', [builder.op('Concat', lengths, { axis: int(0) })], {
    value: { type: 'tensor', value: one },
  });
  const seen = builder.op('Trilu', [ones], { upper: int(0) });
  return b.op('Where', b.cast(seen, 'bool'), result, hidden);
}
