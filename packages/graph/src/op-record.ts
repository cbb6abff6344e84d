import type { GraphBuilder } from './builder.js';
import type { SlotContext } from './coupling/slot-context.js';
import type { Dim } from './dim.js';
import type { Constant, GraphNode } from './graph.js';
import type { RewriteContext } from './surgery/rewrite-context.js';
import type { DType, Tensor } from './tensor.js';

/** What is known about a value before anything runs. */
export interface ValueType {
  readonly dtype: DType;
  readonly shape: readonly Dim[];
  /**
   * The elements of a small integer tensor (rank 0 or 1) as dimensions, when they are known: how shape arithmetic such as
   * `Shape -> Gather -> Concat -> Reshape` is followed through symbols.
   */
  readonly elements?: readonly Dim[];
  /** The values of a small tensor that is computed from constants alone. */
  readonly value?: Tensor;
}

export interface InferContext {
  readonly node: GraphNode;
  readonly opset: number;
  /** Number of inputs written on the node, left-out optional ones included. */
  readonly inputCount: number;
  /** Type of input `i`. @throws {SecateurError} BAD_FILE when it is left out */
  input(i: number): ValueType;
  /** Whether optional input `i` is present. */
  has(i: number): boolean;
  /** The constant behind input `i`, if its values are in memory, or what small constants give for it. */
  constant(i: number): Tensor | undefined;
  /**
   * Elements of integer input `i` as dimensions: from a constant or from {@link ValueType.elements}.
   * `undefined` when unknown.
   */
  elements(i: number): readonly Dim[] | undefined;
  /** Throws SHAPE_MISMATCH naming this node. */
  fail(message: string): never;
}

export interface EvaluateContext {
  readonly node: GraphNode;
  readonly opset: number;
  /** Inputs in order; `undefined` where an optional one is left out. float16 and bfloat16 arrive as float32. */
  readonly inputs: readonly (Tensor | undefined)[];
  /** Input `i`. @throws {SecateurError} BAD_FILE when it is left out */
  input(i: number): Tensor;
}

export interface GradientContext {
  readonly node: GraphNode;
  readonly opset: number;
  /** Where the backward nodes go. */
  readonly builder: GraphBuilder;
  /** Gradient of the loss with respect to output `k`, or `undefined` when nothing downstream needs that output. */
  readonly outputGradients: readonly (string | undefined)[];
  /** Whether the gradient of input `i` is wanted. Do not build it otherwise. */
  wants(i: number): boolean;
  /** Type of input `i`. */
  input(i: number): ValueType;
  /** Type of output `k`. */
  output(k: number): ValueType;
  /** The constant behind input `i`, if its values are in memory. */
  constant(i: number): Tensor | undefined;
  /** Sums `gradient` (of shape `from`) over the axes along which input `i` was broadcast, to input `i`'s shape. */
  reduceTo(gradient: string, from: readonly Dim[], i: number): string;
  /**
   * A shape `[dims]` as an int64 value: a constant when all are numbers; otherwise read at run time from `like`, a value
   * of exactly that shape.
   */
  shapeValue(dims: readonly Dim[], like: string): string;
  /** Throws NO_GRADIENT naming this node. */
  fail(message: string): never;
}

/** Multiply-adds of one run of a node. */
export interface Macs {
  /** Multiply-adds of weights with activations: convolutions and linears. Bias additions are not counted. */
  readonly weights: Dim;
  /** Multiply-adds of activations with activations: the two attention products. */
  readonly products: Dim;
}

export interface MacsContext extends InferContext {
  /** Type of output `k`. */
  output(k: number): ValueType;
  /** Whether input `i` is a constant (a weight) rather than an activation. */
  isConstant(i: number): boolean;
  constantOf(i: number): Constant | undefined;
}

/** All that is known about one operator. Adding an operator is adding one record. */
export interface OpRecord {
  /** ONNX operator name. */
  readonly op: string;
  /** ONNX domain; the standard one when left out. */
  readonly domain?: string;
  /** Output types from input types. */
  infer(context: InferContext): ValueType[];
  /** Multiply-adds; zero when left out. */
  macs?(context: MacsContext): Macs;
  /**
   * How slots flow from inputs to outputs: which index of which axis lives or dies with which. See `SlotContext`.
   */
  slots(context: SlotContext): void;
  /**
   * Attributes and shape-like constant inputs after a cut, e.g. the sizes of a Split. Left out when nothing in the node
   * depends on the sizes of prunable axes.
   */
  rewrite?(context: RewriteContext): void;
  /**
   * Builds the gradients of the inputs as ordinary nodes; `undefined` for an input that is not wanted. `'none'` says that
   * the operator has no gradient by nature (shape arithmetic, comparisons, integer indices).
   */
  readonly gradient: ((context: GradientContext) => (string | undefined)[]) | 'none';
  /** Computes the outputs in plain JavaScript: for constant folding and as a slow independent reference. */
  evaluate(context: EvaluateContext): Tensor[];
}

/** Declares an operator. The same shape serves the built-in records and those of plugins. */
export function defineOp(record: OpRecord): OpRecord {
  return record;
}

/** Operators by `domain:op`. */
export type OpSet = ReadonlyMap<string, OpRecord>;

export function opKey(op: string, domain = ''): string {
  return `${domain === 'ai.onnx' ? '' : domain}:${op}`;
}
