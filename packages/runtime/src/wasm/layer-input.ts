import type { Lowering } from './lowering.js';
import type { LayerInput } from './pending.js';
import { isDense, transposeView, type View } from './view.js';

/** What of a pending input a reader can do on the way in. */
export interface Abilities {
  readonly affine?: boolean;
  readonly upsample?: boolean;
}

/**
 * A tensor as a layer reads it: planes `[batch][channels][pixels]`, where `order` names the batch axis, the channel axis and the
 * pixel axes. What is pending is taken over as far as the reader can; the rest is computed and brought into that order.
 */
export function layerInput(
  lowering: Lowering,
  view: View,
  order: readonly number[],
  { affine = true, upsample = false }: Abilities = {},
): LayerInput {
  const { pending } = view.buffer;
  const [batch, channels] = [view.shape[order[0]!]!, view.shape[order[1]!]!];
  const isSame = pending !== undefined && isWholeIn(view, order);
  if (isSame && pending.kind === 'affine' && affine) {
    const { input } = pending;
    if (hasPlanes(input.sources, batch, channels)) return readyInput(lowering, input);
  }
  if (isSame && pending.kind === 'concat' && pending.axis === 1 && isNatural(pending.order)) {
    if (hasPlanes(pending.parts, batch, channels)) {
      return { sources: pending.parts.map((part) => lowering.dense(part)) };
    }
  }
  if (isSame && pending.kind === 'enlargement' && upsample && isEnlarged(view, pending.source)) {
    return { sources: [lowering.dense(pending.source)], upsample: true };
  }
  return { sources: [transposeView(lowering.dense(view, order), order)] };
}

/** Whether a view still shows the picture as it was enlarged: a reshape may have put other rows together. */
function isEnlarged({ shape }: View, source: View): boolean {
  return shape.length === 4 && shape.every((size, axis) => size === source.shape[axis]! * (axis < 2 ? 1 : 2));
}

function readyInput(lowering: Lowering, input: LayerInput): LayerInput {
  for (const source of input.sources) lowering.ready(source);
  return input;
}

/** Whether the sources are planes of so many channels in all: pixels may be grouped in another way. */
function hasPlanes(sources: readonly View[], batch: number, channels: number): boolean {
  return (
    sources.every(({ shape }) => shape[0] === batch) &&
    sources.reduce((sum, { shape }) => sum + shape[1]!, 0) === channels
  );
}

function isWholeIn(view: View, order: readonly number[]): boolean {
  const size = view.shape.reduce((product, n) => product * n, 1);
  return view.offset === 0 && view.factor === undefined && size === view.buffer.size && isDense(view, order);
}

const isNatural = (order: readonly number[]): boolean => order.every((axis, i) => axis === i);

/** `[batch, channels, pixels]` of a source whose axes after the second are pixels. */
export function pixelsOf({ shape }: View): number {
  return shape.slice(2).reduce((product, n) => product * n, 1);
}
