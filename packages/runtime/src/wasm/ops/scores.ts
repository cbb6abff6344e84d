import type { Runtime } from '@secateur/sparse-wasm';
import type { Lowering } from '../lowering.js';
import type { PendingScores } from '../pending.js';
import type { Step } from '../step.js';
import { type Buffer, broadcastView, newBuffer, type View, wholeView } from '../view.js';
import { softmaxStep } from './softmax.js';

/** The product of two activations, pending: their softmax may go with it. */
export function pendingScores(lowering: Lowering, label: string, a: View, b: View, shape: readonly number[]): View {
  const scale = (a.factor ?? 1) * (b.factor ?? 1);
  const [q, k] = [a, b].map((view) => lowering.ready({ ...view, factor: undefined })) as [View, View];
  const size = shape.reduce((product, n) => product * n, 1);
  return wholeView(newBuffer(label, size, { kind: 'scores', label, q, k, scale, softmax: false }), shape);
}

/** The product of two activations as a tensor, with its softmax if that was asked for. */
export function attentionScores(lowering: Lowering, scores: PendingScores, buffer: Buffer): void {
  const [rows, columns] = [scores.q.shape.at(-2)!, scores.k.shape.at(-1)!];
  const lead = leadOf(scores.q, scores.k);
  const shape = [...lead, rows, columns];
  const product = scores.softmax ? newBuffer(`${scores.label} (scores)`, buffer.size) : buffer;
  const y = wholeView(product, shape);
  const dense = (view: View): View => lowering.dense(broadcastView(view, [...lead, ...view.shape.slice(-2)]));
  lowering.emit(productOfTwo(scores.label, dense(scores.q), dense(scores.k), y, scores.scale));
  if (scores.softmax) lowering.emit(softmaxStep(scores.label, y, wholeView(buffer, shape)));
}

function leadOf(a: View, b: View): number[] {
  const [first, second] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const rank = Math.max(first.length, second.length);
  return Array.from({ length: rank }, (_, i) => {
    const [p, q] = [first[i - rank + first.length] ?? 1, second[i - rank + second.length] ?? 1];
    return p === 1 ? q : p;
  });
}

/** Columns at a time. */
const widest = 64;

/** `y` = scale a b: `[..., rows, k]` times `[..., k, columns]`, all dense. */
function productOfTwo(label: string, a: View, b: View, y: View, scale: number): Step {
  const [rows, k] = a.shape.slice(-2) as [number, number];
  const columns = b.shape.at(-1)!;
  const count = a.shape.slice(0, -2).reduce((product, n) => product * n, 1);
  return {
    label,
    kind: 'product of activations',
    reads: [a.buffer, b.buffer],
    writes: [y.buffer],
    bind({ runtime, at }) {
      const [left, right, to] = [at(a), at(b), at(y)];
      return () => {
        for (let i = 0; i < count; i++) {
          multiply(runtime, left + 4 * i * rows * k, right + 4 * i * k * columns, to + 4 * i * rows * columns, {
            rows,
            k,
            columns,
            scale,
          });
        }
      };
    },
  };
}

interface Sizes {
  readonly rows: number;
  readonly k: number;
  readonly columns: number;
  readonly scale: number;
}

function multiply(runtime: Runtime, a: number, b: number, y: number, { rows, k, columns, scale }: Sizes): void {
  const { kernels, isa } = runtime;
  const groups = Math.ceil(rows / 4);
  const wide = Math.min(widest, Math.ceil(columns / 8) * 8);
  const row = 4 * wide;
  const packed = runtime.scratch(16 * groups * k + row * k + row * 4 * groups);
  const window = packed + 16 * groups * k;
  const sums = window + row * k;
  kernels.f32_pack_rows4__simd!(packed, a, 4 * k, rows, k, scale);
  for (let t = 0; t < columns; t += wide) {
    const n = Math.min(wide, columns - t);
    const padded = Math.ceil(n / 8) * 8;
    kernels.f32_pack_window__simd!(window, row, row, b + 4 * t, 4 * columns, k, 1, n, 0, 0, 1, padded);
    kernels[`f32_gemm_packed_4x8__${isa}`]!(packed, groups, k, window, row, padded / 8, sums, row);
    kernels.f32_copy_window__simd!(y + 4 * t, 4 * columns, 0, sums, row, 0, rows, 1, n);
  }
}
