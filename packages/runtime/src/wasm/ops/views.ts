import { getInt, getInts } from '@secateur/graph';
import type { Lowering } from '../lowering.js';
import type { Value } from '../values.js';
import { broadcastView, reshapeView, sliceView, transposeView, type View } from '../view.js';
import { knownInts } from './known-ints.js';
import type { OpLowering } from './op-lowering.js';

/** The same elements under another shape; copied where they do not lie in the order in which they are counted. */
function reshaped(lowering: Lowering, view: View, shape: readonly number[]): View {
  return reshapeView(view, shape) ?? reshapeView(lowering.dense(view), shape)!;
}

const toOutputShape: OpLowering['lower'] = (context) => [
  reshaped(context.lowering, context.view(0), context.outputShape()),
];

const same: OpLowering['lower'] = (context) => (context.node.outputs.length === 1 ? [context.view(0)] : undefined);

const transpose: OpLowering = {
  op: 'Transpose',
  lower(context) {
    const view = context.view(0);
    const perm = getInts(context.node, 'perm') ?? [...view.shape.keys()].reverse();
    return [transposeView(view, perm)];
  },
};

const split: OpLowering = {
  op: 'Split',
  lower(context) {
    const { node } = context;
    // Without a name a part has no size to go on from.
    if (node.outputs.includes('')) return undefined;
    const view = context.view(0);
    const axis = positive(getInt(node, 'axis', 0), view.shape.length);
    let start = 0;
    return node.outputs.map((_, k): Value => {
      const size = context.outputShape(k)[axis]!;
      const part = sliceView(view, axis, start, size);
      start += size;
      return part;
    });
  },
};

const slice: OpLowering = {
  op: 'Slice',
  lower(context) {
    const x = context.view(0);
    const [starts, ends] = [knownInts(context, 1, 'starts'), knownInts(context, 2, 'ends')];
    if (!starts || !ends) return undefined;
    const axes = knownInts(context, 3, 'axes') ?? [...starts.keys()];
    const steps = knownInts(context, 4) ?? starts.map(() => 1);
    const shape = context.outputShape();
    let view: View = x;
    for (const [i, given] of axes.entries()) {
      const axis = positive(given, x.shape.length);
      const size = x.shape[axis]!;
      const step = steps[i]!;
      if (step < 1) return undefined;
      const start = Math.min(size, Math.max(0, starts[i]! < 0 ? starts[i]! + size : starts[i]!));
      view = sliceView(view, axis, start, shape[axis]!, step);
    }
    return [view];
  },
};

const expand: OpLowering = {
  op: 'Expand',
  lower: (context) => [broadcastView(context.view(0), context.outputShape())],
};

const gather: OpLowering = {
  op: 'Gather',
  // One index is a slice without its axis.
  lower(context) {
    const index = context.scalar(1);
    if (index === undefined || context.shape(1).length > 1) return undefined;
    const x = context.view(0);
    const axis = positive(getInt(context.node, 'axis', 0), x.shape.length);
    const place = index < 0 ? index + x.shape[axis]! : index;
    return [reshaped(context.lowering, sliceView(x, axis, place, 1), context.outputShape())];
  },
};

/** Operators that only show a tensor in another way. */
export const viewLowerings: readonly OpLowering[] = [
  ...['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'].map((op) => ({ op, lower: toOutputShape })),
  ...['Identity', 'Dropout', 'Cast'].map((op) => ({ op, lower: same })),
  transpose,
  split,
  slice,
  expand,
  gather,
];

function positive(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}
