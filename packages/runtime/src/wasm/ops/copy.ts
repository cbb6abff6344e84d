import type { Step } from '../step.js';
import { copyStrided } from '../strided.js';
import type { View } from '../view.js';

/** Copies a tensor into another view of the same shape. */
export function copyStep(from: View, to: View): Step {
  return {
    label: to.buffer.label,
    kind: 'copy',
    reads: [from.buffer],
    writes: [to.buffer],
    bind({ runtime, at }) {
      const [source, target] = [at(from) / 4, at(to) / 4];
      const { memory } = runtime.kernels;
      return () => {
        const floats = new Float32Array(memory.buffer);
        copyStrided(floats.subarray(target), floats.subarray(source), from.shape, to.strides, from.strides);
      };
    },
  };
}
