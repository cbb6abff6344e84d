import type { Step } from '../step.js';
import type { View } from '../view.js';

/** One number everywhere in a whole buffer. */
export function fillStep(to: View, value: number): Step {
  return {
    label: to.buffer.label,
    kind: 'fill',
    reads: [],
    writes: [to.buffer],
    bind({ runtime, base }) {
      const start = base(to.buffer) / 4;
      const end = start + to.buffer.size;
      return () => {
        new Float32Array(runtime.kernels.memory.buffer).fill(value, start, end);
      };
    },
  };
}
