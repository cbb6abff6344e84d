import { type Dim, dimEquals, divideExactly, isSymbolic, productOfDims } from './dim.js';
import { evaluateNode } from './evaluate.js';
import { type Constant, constantOf, type Graph, type GraphNode, getInt, int, withoutDeadNodes } from './graph.js';
import { inferTypes, widened } from './infer.js';
import type { OpSet, ValueType } from './op-record.js';
import { defaultOps } from './ops/index.js';
import { castTensor, int64, isFloat, sizeOf, type Tensor } from './tensor.js';

export interface FoldOptions {
  ops?: OpSet;
  /** Largest floating-point result to fold, in elements. Default 4096: scalars and tables, not tensors worth a file. */
  maxFloats?: number;
}

/** Largest integer result to fold, in elements: above every mask and index table, below what could exhaust memory. */
const maxIntegers = 1 << 20;

/**
 * Computes what is known before running: nodes that read constants alone, shape arithmetic whose result is known, and
 * targets of Reshape that ONNX can state (`0` copies, one `-1`). Identity, casts to the type at hand and inference-time Dropout
 * go. Exports with
 * dynamic axes need this before coupling can follow their reshapes.
 *
 * Names of graph outputs stay, and the nodes that make them. Parameters are neither folded nor copied, so that every
 * checkpoint tensor stays one constant.
 *
 * @throws {SecateurError} UNKNOWN_OP, SHAPE_MISMATCH as {@link inferTypes}
 */
export function foldConstants(graph: Graph, options: FoldOptions = {}): Graph {
  const fold = new Folding(graph, options);
  const nodes: GraphNode[] = [];
  for (const node of graph.nodes) {
    const kept = fold.visit(node);
    nodes.push(...fold.added.splice(0));
    if (kept) nodes.push(kept);
  }
  return withoutDeadNodes({ ...graph, nodes, constants: fold.constants });
}

class Folding {
  readonly constants: Map<string, Constant>;
  /** Nodes to stand before the one just visited. */
  readonly added: GraphNode[] = [];
  private readonly taken = new Set<string>();
  private readonly renamed = new Map<string, string>();
  private readonly outputs: ReadonlySet<string>;
  private readonly types: ReadonlyMap<string, ValueType>;
  private readonly ops: OpSet;
  private readonly maxFloats: number;

  constructor(
    private readonly graph: Graph,
    options: FoldOptions,
  ) {
    this.ops = options.ops ?? defaultOps;
    this.maxFloats = options.maxFloats ?? 4096;
    this.types = inferTypes(graph, { ops: this.ops });
    this.constants = new Map(graph.constants);
    this.outputs = new Set(graph.outputs.map((output) => output.name));
  }

  /** The node to keep, its inputs renamed; `undefined` when nothing is left of it. */
  visit(original: GraphNode): GraphNode | undefined {
    const node = { ...original, inputs: original.inputs.map((name) => this.renamed.get(name) ?? name) };
    if (node.outputs.some((name) => this.outputs.has(name))) return this.withKnownTarget(node);
    if (this.passesThrough(node)) {
      this.renamed.set(node.outputs[0], node.inputs[0]);
      return undefined;
    }
    const values = this.knownElements(node) ?? this.computed(node);
    if (!values) return this.withKnownTarget(node);
    node.outputs.forEach((name, k) => {
      if (name) this.constants.set(name, constantOf(values[k]));
    });
    return undefined;
  }

  private passesThrough(node: GraphNode): boolean {
    if (node.domain !== '' || node.outputs.slice(1).some((name) => this.isRead(name))) return false;
    if (node.op === 'Identity') return true;
    if (node.op === 'Cast' || node.op === 'CastLike') {
      return this.types.get(node.inputs[0])?.dtype === this.types.get(node.outputs[0])?.dtype;
    }
    if (node.op !== 'Dropout') return false;
    const training = node.inputs[2] ? this.constants.get(node.inputs[2])?.value : undefined;
    return !node.inputs[2] || (training !== undefined && !Number(training.data[0]));
  }

  private isRead(name: string): boolean {
    return name !== '' && this.graph.nodes.some((node) => node.inputs.includes(name));
  }

  /** Results of shape arithmetic that inference has worked out already. */
  private knownElements(node: GraphNode): Tensor[] | undefined {
    const values: Tensor[] = [];
    for (const name of node.outputs) {
      const type = name ? this.types.get(name)! : undefined;
      if (!type?.elements || type.elements.some(isSymbolic)) return undefined;
      // 2^63 - 1, which exporters write for "to the end", is 2^63 as a number and would not fit again.
      const elements = (type.elements as readonly number[]).map((size) => Math.min(size, Number.MAX_SAFE_INTEGER));
      const shape = type.shape.length === 0 ? [] : [elements.length];
      values.push(castTensor(int64(elements, shape), type.dtype));
    }
    return values.length > 0 ? values : undefined;
  }

  private computed(node: GraphNode): Tensor[] | undefined {
    const inputs: (Tensor | undefined)[] = [];
    for (const name of node.inputs) {
      const constant = name ? this.constants.get(name) : undefined;
      if (name && (!constant?.value || constant.parameter)) return undefined;
      inputs.push(constant?.value && widened(constant.value));
    }
    const types = node.outputs.map((name) => this.types.get(name));
    if (node.op !== 'Constant' && types.some((type) => type && !this.isWorthFolding(type))) return undefined;
    const values = evaluateNode(this.ops, node, this.graph.opset, inputs);
    return values.map((value, k) => (types[k] ? castTensor(value, types[k].dtype) : value));
  }

  private isWorthFolding({ dtype, shape }: ValueType): boolean {
    if (shape.some(isSymbolic)) return false;
    return sizeOf(shape as number[]) <= (isFloat(dtype) ? this.maxFloats : maxIntegers);
  }

  /** A Reshape whose target is computed at run time, with the target as a constant if ONNX can state it. */
  private withKnownTarget(node: GraphNode): GraphNode {
    if (node.op !== 'Reshape' || node.domain !== '' || this.constants.has(node.inputs[1])) return node;
    const elements = this.types.get(node.inputs[1])?.elements;
    if (!elements) return node;
    const from = this.types.get(node.inputs[0])!.shape;
    // A 0 that says "no elements" has to stay; without one, `allowzero` means nothing, and 0 may copy.
    const { allowzero, ...attributes } = node.attributes;
    const keepsZeros = allowzero !== undefined && getInt(node, 'allowzero', 0) === 1 && elements.includes(0);
    const target = statedTarget(elements, from, keepsZeros);
    return {
      ...node,
      inputs: [node.inputs[0], target ? this.integers(node, 'shape', target) : this.openTarget(node, elements, from)],
      attributes: keepsZeros ? node.attributes : attributes,
    };
  }

  /**
   * A target with several sizes known only at run time, made to follow when axes are cut later. What ends the shape
   * before and after alike is read from the shape before. One number elsewhere becomes `-1`, where it comes out so exactly: not
   * where sizes that only a run knows to be equal would have to cancel.
   */
  private openTarget(node: GraphNode, elements: readonly Dim[], from: readonly Dim[]): string {
    const kept = sameEnds(elements, from);
    const open = [...elements.keys()].slice(0, elements.length - kept);
    const numbers = open.filter((i) => !isSymbolic(elements[i]) && elements[i] !== 1);
    const rest = productOfDims(elements.filter((_, i) => i !== numbers[0]));
    const follows = numbers.length === 1 && divideExactly(productOfDims(from), rest) === elements[numbers[0]];
    const cuttable = elements.slice(elements.length - kept).some((size) => !isSymbolic(size) && size !== 1);
    if (!follows && !cuttable) return node.inputs[1];
    const slice = (of: string, start: number, end: number): string => {
      const name = this.unusedName(`${node.outputs[0]}/shape`);
      const inputs = [of, this.integers(node, 'from', [start]), this.integers(node, 'to', [end])];
      return this.add({ ...node, name, op: 'Slice', inputs, outputs: [name], attributes: {} });
    };
    const given = (start: number, end: number): string[] => (start < end ? [slice(node.inputs[1], start, end)] : []);
    const parts = follows
      ? [...given(0, numbers[0]), this.integers(node, 'rest', [-1]), ...given(numbers[0] + 1, open.length)]
      : given(0, open.length);
    if (kept > 0) {
      const shape = this.unusedName(`${node.outputs[0]}/shape`);
      this.add({ ...node, name: shape, op: 'Shape', inputs: [node.inputs[0]], outputs: [shape], attributes: {} });
      parts.push(slice(shape, from.length - kept, from.length));
    }
    const name = this.unusedName(`${node.outputs[0]}/shape`);
    return this.add({ ...node, name, op: 'Concat', inputs: parts, outputs: [name], attributes: { axis: int(0) } });
  }

  private add(node: GraphNode): string {
    this.added.push(node);
    this.taken.add(node.outputs[0]);
    return node.outputs[0];
  }

  private integers(node: GraphNode, hint: string, values: readonly number[]): string {
    const name = this.unusedName(`${node.outputs[0]}/${hint}`);
    this.constants.set(name, constantOf(int64(values)));
    return name;
  }

  private unusedName(base: string): string {
    let name = base;
    for (let i = 1; this.types.has(name) || this.constants.has(name) || this.taken.has(name); i++)
      name = `${base}_${i}`;
    return name;
  }
}

/** How many axes end both shapes alike: a reshape leaves them as they are. */
function sameEnds(a: readonly Dim[], b: readonly Dim[]): number {
  let count = 0;
  while (count < Math.min(a.length, b.length)) {
    if (!dimEquals(a.at(-1 - count)!, b.at(-1 - count)!)) break;
    count++;
  }
  return count;
}

/**
 * A target of Reshape as numbers: a symbol is written `0` where it repeats the input's dimension, else `-1`, once.
 * `undefined` when more than one `-1` would be needed.
 */
function statedTarget(elements: readonly Dim[], from: readonly Dim[], allowZero: boolean): number[] | undefined {
  const target = elements.map((dim, i) => {
    if (!isSymbolic(dim)) return dim;
    return !allowZero && i < from.length && dimEquals(dim, from[i]) ? 0 : -1;
  });
  return target.filter((size) => size === -1).length <= 1 ? target : undefined;
}
