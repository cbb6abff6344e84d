import { type Graph, isSymbolic, SecateurError, type ValueType } from '@secateur/graph';
import { emitPending } from './emit-pending.js';
import { copyStep } from './ops/copy.js';
import { scaleStep } from './ops/elementwise.js';
import type { Step } from './step.js';
import type { ConstantValue, Value } from './values.js';
import { isResident } from './values.js';
import { type Buffer, isDense, naturalOrder, newBuffer, orderOf, type View, wholeView } from './view.js';

/**
 * Turns nodes into steps. Values are views of buffers; a buffer may be pending, that is, not computed before something reads it, so
 * that its reader can take over part of the work.
 */
export class Lowering {
  readonly steps: Step[] = [];
  private readonly values = new Map<string, Value>();
  private readonly readers = new Map<string, number>();
  private readonly constants = new Map<ConstantValue, Buffer>();
  /** Copies of a buffer's elements in another order, which several nodes may read. */
  private readonly copies = new Map<Buffer, Map<string, View>>();

  constructor(
    readonly graph: Graph,
    /** Types of all values, without symbols. */
    readonly types: ReadonlyMap<string, ValueType>,
  ) {
    const names = [...graph.nodes.flatMap(({ inputs }) => inputs), ...graph.outputs.map(({ name }) => name)];
    for (const name of names) this.readers.set(name, (this.readers.get(name) ?? 0) + 1);
    // The caller reads outputs when all steps are done.
    for (const { name } of graph.outputs) this.readers.set(name, this.readers.get(name)! + 1);
  }

  shapeOf(name: string): readonly number[] {
    const { shape } = this.types.get(name)!;
    if (shape.some(isSymbolic)) {
      throw new SecateurError('ENGINE_FAILED', `wasm: the shape of "${name}" depends on values.`, {
        field: name,
        hint: 'Engine ort runs such graphs.',
      });
    }
    return shape as number[];
  }

  isResident(name: string): boolean {
    return isResident(this.types.get(name)!.dtype);
  }

  /** @throws {SecateurError} BAD_FILE when nothing before it makes it */
  value(name: string): Value {
    const value = this.values.get(name);
    if (value) return value;
    throw new SecateurError('BAD_FILE', `Nothing makes the value "${name}" before it is read.`, { field: name });
  }

  set(name: string, value: Value): void {
    this.values.set(name, value);
    if (value.kind === 'view' && this.isShared(name)) value.buffer.shared = true;
  }

  /** Whether more than one node reads a value, or the caller does. */
  isShared(name: string): boolean {
    return (this.readers.get(name) ?? 0) > 1;
  }

  emit(step: Step): void {
    const early = step.reads.find(({ pending }) => pending);
    if (early) throw new Error(`wasm: ${step.kind} "${step.label}" reads "${early.label}" before it is computed`);
    if (step.writes.length === 0 || step.writes.some(({ size }) => size > 0)) this.steps.push(step);
  }

  /** A new buffer as a tensor. */
  make(label: string, shape: readonly number[], order?: readonly number[]): View {
    return wholeView(
      newBuffer(
        label,
        shape.reduce((size, n) => size * n, 1),
      ),
      shape,
      order,
    );
  }

  /** A constant in the engine's memory. */
  resident(constant: ConstantValue): View {
    let buffer = this.constants.get(constant);
    if (!buffer) {
      const size = constant.shape.reduce((product, n) => product * n, 1);
      buffer = { label: constant.label, size, shared: true, constant };
      this.constants.set(constant, buffer);
    }
    return wholeView(buffer, constant.shape);
  }

  /** A value of float32 as a view; it may be pending still. */
  view(name: string): View {
    const value = this.value(name);
    if (value.kind === 'view') return value;
    if (value.kind === 'constant') return this.resident(value);
    throw new Error(`"${name}" is ${this.types.get(name)!.dtype}, not in the engine's memory`);
  }

  /** The view with its elements computed. */
  ready(view: View): View {
    if (view.buffer.pending) emitPending(this, view.buffer);
    if (view.factor === undefined) return view;
    const scaled = this.make(`${view.buffer.label} (scaled)`, view.shape, orderOf(view));
    this.emit(scaleStep(view, scaled));
    return scaled;
  }

  /** The same tensor computed and without gaps, its axes in `order`: itself where it lies so, else a copy. */
  dense(given: View, order: readonly number[] = naturalOrder(given.shape.length)): View {
    const view = this.ready(given);
    if (isDense(view, order)) return view;
    const key = [view.shape, view.strides, view.offset, order].join(' ');
    const made = this.copies.get(view.buffer) ?? new Map<string, View>();
    let copy = made.get(key);
    if (!copy) {
      copy = this.make(`${view.buffer.label} (copy)`, view.shape, order);
      this.emit(copyStep(view, copy));
      this.copies.set(view.buffer, made.set(key, copy));
    }
    return copy;
  }
}
