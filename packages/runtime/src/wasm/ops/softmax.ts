import { getInt } from '@secateur/graph';
import type { Step } from '../step.js';
import { newBuffer, type View, wholeView } from '../view.js';
import type { OpLowering } from './op-lowering.js';

/** Along the last axis. Of pending scores it stays pending with them. */
export const softmax: OpLowering = {
  op: 'Softmax',
  lower(context) {
    const { lowering, label, node } = context;
    const shape = context.outputShape();
    const axis = getInt(node, 'axis', lowering.graph.opset < 13 ? 1 : -1);
    if (axis !== -1 && axis !== shape.length - 1) return undefined;
    const x = context.view(0);
    const { pending, size } = x.buffer;
    if (pending?.kind === 'scores' && !pending.softmax && !x.buffer.shared && isSame(x, shape)) {
      const scale = pending.scale * (x.factor ?? 1);
      return [wholeView(newBuffer(label, size, { ...pending, label, scale, softmax: true }), shape)];
    }
    const from = lowering.dense(x);
    const y = lowering.make(label, shape);
    lowering.emit(softmaxStep(label, from, y));
    return [y];
  },
};

function isSame(view: View, shape: readonly number[]): boolean {
  return (
    view.offset === 0 &&
    view.shape.join() === shape.join() &&
    view.strides.join() === wholeView(view.buffer, shape).strides.join()
  );
}

/** Rows one after the other, in plain JavaScript: attention has a kernel of its own. */
export function softmaxStep(label: string, from: View, to: View): Step {
  const columns = from.shape.at(-1)!;
  const rows = from.shape.slice(0, -1).reduce((product, n) => product * n, 1);
  return {
    label,
    kind: 'softmax',
    reads: [from.buffer],
    writes: [to.buffer],
    mayReuse: from.offset === 0 ? [[from.buffer, to.buffer]] : [],
    bind({ runtime, at }) {
      const [source, target] = [at(from) / 4, at(to) / 4];
      return () => {
        const floats = new Float32Array(runtime.kernels.memory.buffer);
        for (let r = 0; r < rows; r++) softmaxRow(floats, source + r * columns, target + r * columns, columns);
      };
    },
  };
}

function softmaxRow(floats: Float32Array, from: number, to: number, n: number): void {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < n; i++) most = Math.max(most, floats[from + i]!);
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const e = Math.exp(floats[from + i]! - most);
    floats[to + i] = e;
    sum += e;
  }
  for (let i = 0; i < n; i++) floats[to + i]! /= sum;
}
