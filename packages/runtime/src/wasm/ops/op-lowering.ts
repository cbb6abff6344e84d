import { type GraphNode, SecateurError, sizeOf } from '@secateur/graph';
import type { Lowering } from '../lowering.js';
import type { ConstantValue, Value } from '../values.js';
import type { View } from '../view.js';

/** What a lowering sees of its node. */
export class NodeContext {
  constructor(
    readonly lowering: Lowering,
    readonly node: GraphNode,
  ) {}

  has(i: number): boolean {
    return !!this.node.inputs[i];
  }

  value(i: number): Value {
    return this.lowering.value(this.node.inputs[i]!);
  }

  constant(i: number): ConstantValue | undefined {
    if (!this.has(i)) return undefined;
    const value = this.value(i);
    return value.kind === 'constant' ? value : undefined;
  }

  /** A constant of one element, as a number, when it is at hand. */
  scalar(i: number): number | undefined {
    const value = this.constant(i)?.value;
    return value && sizeOf(value.shape) === 1 ? Number(value.data[0]) : undefined;
  }

  /** Input `i` as float32 in the engine's memory; it may be pending. */
  view(i: number): View {
    return this.lowering.view(this.node.inputs[i]!);
  }

  shape(i: number): readonly number[] {
    return this.lowering.shapeOf(this.node.inputs[i]!);
  }

  outputShape(k = 0): readonly number[] {
    return this.lowering.shapeOf(this.node.outputs[k]!);
  }

  get label(): string {
    return this.node.name;
  }

  /** Whether something else than one node reads the first output. */
  get isShared(): boolean {
    return this.lowering.isShared(this.node.outputs[0]!);
  }

  /** @throws {SecateurError} UNKNOWN_OP always */
  refuse(what: string): never {
    throw new SecateurError('UNKNOWN_OP', `wasm: ${this.node.op} "${this.node.name}" ${what}.`, {
      field: this.node.name,
      hint: 'Pass another engine as `fallback` for what this one lacks, or use engine ort.',
    });
  }
}

/** How an operator becomes steps. Adding one to the engine is adding one of these. */
export interface OpLowering {
  readonly op: string;
  /** ONNX domain; the standard one when left out. */
  readonly domain?: string;
  /** Values of the outputs; `undefined` when this form of it has to be computed in plain JavaScript. */
  lower(context: NodeContext): readonly Value[] | undefined;
}
