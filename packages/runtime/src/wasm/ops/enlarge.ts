import { getString } from '@secateur/graph';
import type { PendingEnlargement } from '../pending.js';
import type { Step } from '../step.js';
import { type Buffer, newBuffer, wholeView } from '../view.js';
import type { OpLowering } from './op-lowering.js';

/** Twice as high and as wide by nearest neighbour, pending: a convolution enlarges while it reads. */
export const resize: OpLowering = {
  op: 'Resize',
  lower(context) {
    const { lowering, label, node } = context;
    const [from, to] = [context.shape(0), context.outputShape()];
    const isDouble = from.length === 4 && to.every((size, axis) => size === from[axis]! * (axis < 2 ? 1 : 2));
    if (!isDouble || getString(node, 'mode', 'nearest') !== 'nearest' || !repeatsPixels(context.node)) return undefined;
    const source = lowering.dense(context.view(0));
    const size = to.reduce((product, n) => product * n, 1);
    return [wholeView(newBuffer(label, size, { kind: 'enlargement', label, source }), to)];
  },
};

/** Whether every pixel of a doubled picture is the one it lies in: so for these pairs of conventions. */
function repeatsPixels(node: Parameters<typeof getString>[0]): boolean {
  const coordinates = getString(node, 'coordinate_transformation_mode', 'half_pixel');
  const rounding = getString(node, 'nearest_mode', 'round_prefer_floor');
  if (coordinates === 'asymmetric') return rounding === 'floor';
  return coordinates.startsWith('half_pixel') || coordinates === 'pytorch_half_pixel'
    ? rounding.startsWith('round')
    : false;
}

export function enlargeStep({ label, source }: PendingEnlargement, buffer: Buffer): Step {
  const [batch, channels, height, width] = source.shape as [number, number, number, number];
  return {
    label,
    kind: 'enlarge',
    reads: [source.buffer],
    writes: [buffer],
    bind({ runtime, at, base }) {
      const [from, to] = [at(source), base(buffer)];
      return () => runtime.kernels.f32_resize_nearest2__simd!(to, from, batch * channels, height, width);
    },
  };
}
