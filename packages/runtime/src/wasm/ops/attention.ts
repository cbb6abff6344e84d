import { attention as attentionKernel } from '@secateur/sparse-wasm';
import type { Lowering } from '../lowering.js';
import { broadcastView, naturalOrder, type View } from '../view.js';

export interface AttentionParts {
  /** `[..., queries, channels]` */
  readonly q: View;
  /** `[..., channels, keys]` */
  readonly k: View;
  /** `[..., keys, channels]` */
  readonly v: View;
  readonly scale: number;
}

/**
 * softmax(scale q k) v in one step, without the scores as a tensor; `undefined` where the heads of v have another width, which the
 * kernel cannot do.
 *
 * @param shape  of the scores: `[..., queries, keys]`
 * @returns `[..., queries, channels]`, channel-major in memory
 */
export function attention(
  lowering: Lowering,
  label: string,
  { q, k, v, scale }: AttentionParts,
  shape: readonly number[],
): View | undefined {
  const rank = shape.length;
  const lead = shape.slice(0, -2);
  const [queries, keys] = shape.slice(-2) as [number, number];
  const headChannels = q.shape.at(-1)!;
  if (v.shape.at(-1) !== headChannels) return undefined;
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
