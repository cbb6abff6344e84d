import { getString } from '@secateur/graph';
import type { Runtime } from '@secateur/sparse-wasm';
import type { Step } from '../step.js';
import { collapse, eachOuter } from '../strided.js';
import { isDense, orderOf, type View } from '../view.js';
import type { NodeContext, OpLowering } from './op-lowering.js';

/** `to = f(from)` over `n` elements in a row, all pointers in bytes. */
type Row = (runtime: Runtime, to: number, from: number, n: number) => void;

/** A function of every element, into a view of the same shape whose axes lie in the same order. */
export function elementwiseStep(kind: string, from: View, to: View, row: Row): Step {
  const { sizes, strides } = collapse(from.shape, [to.strides, from.strides]);
  const isRows = (strides[0]!.at(-1) ?? 1) === 1 && (strides[1]!.at(-1) ?? 1) === 1;
  const loops = isRows ? { sizes, strides } : { sizes: [...sizes, 1], strides: strides.map((of) => [...of, 1]) };
  const n = loops.sizes.at(-1) ?? 1;
  return {
    label: to.buffer.label,
    kind,
    reads: [from.buffer],
    writes: [to.buffer],
    mayReuse: from.offset === 0 && isDense(from, orderOf(to)) ? [[from.buffer, to.buffer]] : [],
    bind({ runtime, at }) {
      const [target, source] = [at(to), at(from)];
      return () => eachOuter(loops, 1, ([t, f]) => row(runtime, target + 4 * t!, source + 4 * f!, n));
    },
  };
}

/** `to` = `from` times its factor. */
export function scaleStep(from: View, to: View): Step {
  const factor = from.factor ?? 1;
  return elementwiseStep('scale', from, to, ({ kernels }, target, source, n) => {
    const floats = new Float32Array(kernels.memory.buffer);
    for (let i = 0; i < n; i++) floats[target / 4 + i] = floats[source / 4 + i]! * factor;
  });
}

function unary(op: string, choose: (context: NodeContext) => string | undefined, domain?: string): OpLowering {
  return {
    op,
    domain,
    lower(context) {
      const kernel = choose(context);
      if (!kernel) return undefined;
      const { lowering, label } = context;
      const x = lowering.ready(context.view(0));
      const y = lowering.make(label, x.shape, orderOf(x));
      lowering.emit(
        elementwiseStep(op.toLowerCase(), x, y, ({ kernels }, to, from, n) => kernels[`${kernel}__simd`]!(to, from, n)),
      );
      return [y];
    },
  };
}

const geluKernel = ({ node }: NodeContext): string =>
  getString(node, 'approximate', 'none') === 'tanh' ? 'f32_gelu_tanh' : 'f32_gelu';

export const elementwiseLowerings: readonly OpLowering[] = [
  unary('Gelu', geluKernel),
  unary('Gelu', () => 'f32_gelu', 'com.microsoft'),
];

export const siluStep = (from: View, to: View): Step =>
  elementwiseStep('silu', from, to, ({ kernels }, target, source, n) => kernels.f32_silu__simd!(target, source, n));
