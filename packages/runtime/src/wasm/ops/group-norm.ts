import { getFloat, getInt } from '@secateur/graph';
import { groupNormAffine } from '@secateur/sparse-wasm';
import { layerInput, pixelsOf } from '../layer-input.js';
import { naturalOrder, newBuffer, wholeView } from '../view.js';
import type { OpLowering } from './op-lowering.js';

/** Moments now, as a scale and a shift of every channel; the rest stays pending for whoever reads the result. */
export const groupNorm: OpLowering = {
  op: 'GroupNormalization',
  lower(context) {
    const { lowering, label, node } = context;
    const shape = context.outputShape();
    const x = layerInput(lowering, context.view(0), naturalOrder(shape.length), { affine: false });
    const [batch, channels] = shape as [number, number];
    const gamma = lowering.dense(context.view(1));
    const beta = lowering.dense(context.view(2));
    const affine = lowering.make(`${label} (moments)`, [batch, 2, channels]);
    const options = {
      groups: getInt(node, 'num_groups', 1),
      pixels: pixelsOf(x.sources[0]!),
      batch,
      eps: getFloat(node, 'epsilon', 1e-5),
    };
    lowering.emit({
      label,
      kind: 'moments',
      reads: [...x.sources, gamma, beta].map(({ buffer }) => buffer),
      writes: [affine.buffer],
      bind({ runtime, at }) {
        const sources = x.sources.map((source) => ({ at: at(source), channels: source.shape[1]! }));
        const [out, scale, shift] = [at(affine), at(gamma), at(beta)];
        return () => groupNormAffine(runtime, sources, out, { ...options, gamma: scale, beta: shift });
      },
    });
    const input = { sources: x.sources, affine };
    const buffer = newBuffer(
      label,
      shape.reduce((size, n) => size * n, 1),
      { kind: 'affine', label, input },
    );
    return [wholeView(buffer, shape)];
  },
};
