import { float32, getFloat, getInt, type Tensor, toFloat32 } from '@secateur/graph';
import type { Lowering } from '../lowering.js';
import type { ConstantValue } from '../values.js';
import { broadcastView, transposeView, type View } from '../view.js';
import { attention } from './attention.js';
import { binaryStep } from './binary.js';
import type { NodeContext, OpLowering } from './op-lowering.js';
import { tensorStep } from './plain.js';
import { pendingScores } from './scores.js';
import { softmaxStep } from './softmax.js';

/** ONNX's own attention over `[batch, heads, tokens, channels]`: one step, or product by product where something is masked. */
export const attentionOp: OpLowering = {
  op: 'Attention',
  lower(context) {
    const { lowering, label, node } = context;
    const [q, k, v] = [0, 1, 2].map((i) => lowering.ready(context.view(i))) as [View, View, View];
    const turned = transposeView(k, [0, 1, 3, 2]);
    const scale = getFloat(node, 'scale', 1 / Math.sqrt(q.shape[3]!));
    const shape = [...q.shape.slice(0, 3), k.shape[2]!];
    const masks = [...maskOf(context), ...causalMask(context, shape)];
    const fused = masks.length === 0 ? attention(lowering, label, { q, k: turned, v, scale }, shape) : undefined;
    if (fused) return [fused];
    let scores = lowering.ready(pendingScores(lowering, label, { ...q, factor: scale }, turned, shape));
    for (const mask of masks) {
      const sum = lowering.make(`${label} (masked)`, shape);
      lowering.emit(binaryStep(label, 'Add', scores, broadcastView(mask, shape), sum));
      scores = sum;
    }
    const weights = lowering.make(`${label} (weights)`, shape);
    lowering.emit(softmaxStep(label, scores, weights));
    return [pendingScores(lowering, label, weights, v, context.outputShape())];
  },
};

/** What is added to the scores: a mask of truth values hides with -Infinity. */
function maskOf(context: NodeContext): View[] {
  if (!context.has(3)) return [];
  const { lowering, node } = context;
  if (lowering.isResident(node.inputs[3]!)) return [lowering.ready(context.view(3))];
  const added = lowering.make(`${context.label} (mask)`, context.shape(3));
  const hide = ([mask]: readonly (Tensor | undefined)[]): Tensor[] => [
    float32(
      mask!.shape,
      toFloat32(mask!).map((seen) => (seen ? 0 : Number.NEGATIVE_INFINITY)),
    ),
  ];
  lowering.emit(tensorStep(context.label, 'mask', [context.value(3)], [added], hide));
  return [added];
}

/** Keys behind a query's own place, hidden. */
function causalMask({ lowering, node, label }: NodeContext, shape: readonly number[]): View[] {
  if (getInt(node, 'is_causal', 0) !== 1) return [];
  const [queries, keys] = shape.slice(-2) as [number, number];
  const values = new Float32Array(queries * keys);
  for (let i = 0; i < values.length; i++) if (i % keys > Math.floor(i / keys)) values[i] = Number.NEGATIVE_INFINITY;
  return [residentOf(lowering, `${label} (causal)`, float32([queries, keys], values))];
}

function residentOf(lowering: Lowering, label: string, value: Tensor): View {
  const constant: ConstantValue = { kind: 'constant', label, shape: value.shape, value, read: async () => value };
  return lowering.resident(constant);
}
