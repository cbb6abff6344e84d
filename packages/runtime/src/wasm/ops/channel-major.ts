import { reshapeView, type View } from '../view.js';

/** The order of `[batch, ...tokens, channels]` in memory: batch, channels, tokens. */
export function channelMajor(rank: number): number[] {
  return [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)];
}

/** `[tokens, channels]` as `[1, tokens, channels]`; what has a batch axis stays. */
export function withBatch(view: View): View {
  return view.shape.length === 2 ? reshapeView(view, [1, ...view.shape])! : view;
}
