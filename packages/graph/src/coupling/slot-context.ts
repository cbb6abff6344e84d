import type { GraphNode } from '../graph.js';
import type { ValueType } from '../op-record.js';

/**
 * One axis of a value as coupling sees it: an ordered list of factors whose sizes multiply to the axis' size, each with
 * one slot per index, or without slots when its size is symbolic (batch, height, width, tokens) or 1.
 *
 * Opaque to op records: they pass axes from inputs to outputs and join them, never look inside.
 */
export interface Axis {
  readonly factors: readonly unknown[];
}

/** What a constant's axis does in the operator that reads it. */
export type Role =
  | 'producer' // makes the channel: output axis of a Conv or linear weight
  | 'consumer' // reads the channel: input axis of a Conv or linear weight
  | 'bias'
  | 'scale' // norm weight
  | 'norm-bias'
  | 'table' // embedding or position table
  | 'factor'; // any other constant combined element by element

/**
 * What an op record says about coupling. Three verbs: `set` gives an output its axes, `join` says that two axes live or
 * die together index by index, `pin` says that an axis cannot be cut and why.
 */
export interface SlotContext {
  readonly node: GraphNode;
  readonly opset: number;
  readonly inputCount: number;
  has(i: number): boolean;
  /** Type of input `i`. */
  input(i: number): ValueType;
  /** Type of output `k`. */
  output(k: number): ValueType;
  /** Whether a node or the outside reads output `k`. */
  isRead(k: number): boolean;
  /** Axes of input `i`, one per dimension. */
  axes(i: number): readonly Axis[];
  /** Elements of integer input `i` when known (see `InferContext.elements`), as numbers only. */
  numbers(i: number): readonly number[] | undefined;
  /** Gives output `k` its axes, one per dimension. */
  set(k: number, axes: readonly Axis[]): void;
  /** The two axes live or die together, index by index. Sizes must be equal; axes of size 1 or symbolic size are ignored. */
  join(a: Axis, b: Axis): void;
  /** The axis cannot be cut; `reason` is shown to people, e.g. `softmax over this axis`. */
  pin(axis: Axis, reason: string): void;
  /** Axis of the same slots in parts: `[axis 0..a), [a..a+b), …`, for Split and Slice. */
  split(axis: Axis, sizes: readonly number[]): Axis[];
  /** Slots picked by index (Gather, strided Slice). */
  pick(axis: Axis, indices: readonly number[]): Axis;
  /** One axis after the other, for Concat. */
  concat(axes: readonly Axis[]): Axis;
  /** Axes of the output of a reshape of `axes` to output `k`'s shape: factors and merges axes as needed. */
  reshape(axes: readonly Axis[], k: number): Axis[];
  /** An axis without slots: for new dimensions of size 1, symbolic ones, and reduced ones. */
  blank(): Axis;
  /** An axis of `size` new slots that nothing produces and that cannot be cut, for `reason`. */
  fixed(size: number, reason: string): Axis;
  /**
   * Says what an axis of a constant does here. No effect on values that are not constants. `reads` tells which axis of
   * which other input a consumer's axis is multiplied with.
   */
  role(i: number, axis: number, role: Role, reads?: { readonly input: number; readonly axis: number }): void;
  /** A GroupNorm reads `axis` in `groups` norm groups of consecutive channels. */
  normGroups(axis: Axis, groups: number): void;
  /**
   * A grouped convolution: the weight's input axis (size `C / groups`) is shared by all conv groups of `channels` (size
   * `C`), and its output axis (size `O`) is dealt to the groups in order.
   */
  convGroups(channels: Axis, weightIn: Axis, out: Axis, groups: number): void;
}
