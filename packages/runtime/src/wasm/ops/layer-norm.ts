import { getFloat, getInt } from '@secateur/graph';
import type { View } from '../view.js';
import { channelMajor, withBatch } from './channel-major.js';
import type { OpLowering } from './op-lowering.js';

/** Over the last axis; tokens lie along the vectors. */
export const layerNorm: OpLowering = {
  op: 'LayerNormalization',
  lower(context) {
    const { lowering, label, node } = context;
    const shape = context.outputShape();
    const axis = getInt(node, 'axis', -1);
    if ((axis !== -1 && axis !== shape.length - 1) || node.outputs.length > 1 || shape.length < 2) return undefined;
    const order = channelMajor(Math.max(3, shape.length));
    const x = lowering.dense(withBatch(context.view(0)), order);
    const [batch, channels] = [x.shape[0]!, shape.at(-1)!];
    const tokens = x.buffer.size === 0 ? 0 : x.shape.slice(1, -1).reduce((product, n) => product * n, 1);
    const weights: readonly (View | undefined)[] = [1, 2].map((i) =>
      context.has(i) ? lowering.dense(context.view(i)) : undefined,
    );
    const y = lowering.make(label, x.shape, order);
    const eps = getFloat(node, 'epsilon', 1e-5);
    lowering.emit({
      label,
      kind: 'layer norm',
      reads: [x, ...weights].flatMap((view) => (view ? [view.buffer] : [])),
      writes: [y.buffer],
      mayReuse: x.offset === 0 ? [[x.buffer, y.buffer]] : [],
      bind({ runtime, at }) {
        const [from, to] = [at(x), at(y)];
        const [gamma, beta] = weights.map((view) => (view ? at(view) : 0)) as [number, number];
        const [row, image] = [4 * tokens, 4 * tokens * channels];
        return () => {
          for (let b = 0; b < batch; b++) {
            runtime.kernels.f32_layernorm_columns__simd!(
              to + b * image,
              row,
              from + b * image,
              row,
              channels,
              tokens,
              gamma,
              beta,
              eps,
            );
          }
        };
      },
    });
    return [shape.length === 2 ? { ...y, shape, strides: y.strides.slice(1) } : y];
  },
};
