import { attention as attentionKernel } from '@secateur/sparse-wasm';
import type { Lowering } from '../lowering.js';
import type { PendingScores } from '../pending.js';
import { broadcastView, naturalOrder, type View } from '../view.js';

/**
 * softmax(scale q k) v in one step, without the scores as a tensor; `undefined` for what the kernel cannot do.
 *
 * @param weights  the softmax, pending: `[..., queries, keys]`
 * @param v  `[..., keys, channels]`
 * @returns `[..., queries, channels]`, channel-major in memory
 */
export function attention(
  lowering: Lowering,
  label: string,
  { q, k, scale }: PendingScores,
  weights: View,
  v: View,
): View | undefined {
  const rank = weights.shape.length;
  const lead = weights.shape.slice(0, -2);
  const [queries, keys] = weights.shape.slice(-2) as [number, number];
  const headChannels = q.shape.at(-1)!;
  const isWhole = weights.offset === 0 && weights.factor === undefined && weights.strides.at(-1) === 1;
  if (!isWhole || v.shape.at(-1) !== headChannels || v.shape.length !== rank || v.factor !== undefined)
    return undefined;
  // [..., tokens, channels] with the channels outside.
  const turned = [...naturalOrder(rank - 2), rank - 1, rank - 2];
  const expanded = (view: View): View => broadcastView(view, [...lead, ...view.shape.slice(-2)]);
  const [from, to] = [lowering.dense(expanded(q), turned), lowering.dense(expanded(v), turned)];
  const other = lowering.dense(expanded(k));
  const y = lowering.make(label, [...lead, queries, headChannels], turned);
  const heads = lead.reduce((product, n) => product * n, 1);
  lowering.emit({
    label,
    kind: 'attention',
    reads: [from.buffer, other.buffer, to.buffer],
    writes: [y.buffer],
    bind({ runtime, at }) {
      const pointers = [at(from), at(other), at(to), at(y)] as const;
      return () => attentionKernel(runtime, ...pointers, { heads, headChannels, queries, keys, scale });
    },
  });
  return y;
}
