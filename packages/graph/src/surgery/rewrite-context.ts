import type { Attribute, GraphNode } from '../graph.js';
import type { ValueType } from '../op-record.js';
import type { Tensor } from '../tensor.js';

/** What an op record needs to adapt a node to smaller tensors. Sizes and indices before the cut are `old`. */
export interface RewriteContext {
  readonly node: GraphNode;
  readonly opset: number;
  has(i: number): boolean;
  /** Type of input `i` before the cut. */
  oldInput(i: number): ValueType;
  /** Type of output `k` before the cut. */
  oldOutput(k: number): ValueType;
  /** Indices of axis `axis` of input `i` that survive, ascending; `undefined` when the axis is untouched. */
  keptInput(i: number, axis: number): readonly number[] | undefined;
  /** Same for output `k`. */
  keptOutput(k: number, axis: number): readonly number[] | undefined;
  /** Elements of integer input `i` before the cut, numbers only. */
  numbers(i: number): readonly number[] | undefined;
  setAttribute(name: string, attribute: Attribute): void;
  /** Replaces input `i` by a new constant. */
  setInput(i: number, value: Tensor): void;
  /** Throws CANNOT_PRUNE naming this node. */
  fail(message: string): never;
}
