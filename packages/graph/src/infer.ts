import { type Dim, isSymbolic } from './dim.js';
import { SecateurError } from './errors.js';
import type { Constant, Graph, GraphNode } from './graph.js';
import { type InferContext, type OpRecord, type OpSet, opKey, type ValueType } from './op-record.js';
import { defaultOps } from './ops/index.js';
import { castTensor, int64, sizeOf, type Tensor, toNumbers } from './tensor.js';

export interface InferOptions {
  /** Operators known. Default: {@link defaultOps}. */
  ops?: OpSet;
  /** Types of graph inputs that replace the declared ones, e.g. a fixed batch. */
  inputs?: ReadonlyMap<string, ValueType>;
}

/** Longest integer vector whose elements are followed: shapes, pads and sizes are far shorter. */
const maxElements = 64;

/** Largest constant that is computed with while types are inferred. */
const maxOperand = 1024;

/**
 * Type of every value of the graph: inputs, constants and node outputs, by name.
 *
 * @throws {SecateurError} UNKNOWN_OP listing all operators without a record; SHAPE_MISMATCH when shapes do not fit a
 * node; BAD_FILE when a node reads a value that nothing before it makes
 */
export function inferTypes(graph: Graph, options: InferOptions = {}): Map<string, ValueType> {
  const ops = options.ops ?? defaultOps;
  refuseUnknownOps(graph, ops);
  const types = new Map<string, ValueType>();
  for (const input of graph.inputs) {
    types.set(input.name, options.inputs?.get(input.name) ?? { dtype: input.dtype, shape: input.shape });
  }
  for (const [name, constant] of graph.constants) types.set(name, constantType(constant));
  for (const node of graph.nodes) {
    const context = inferContext(graph, node, types);
    const outputs = withValues(context, recordOf(ops, node));
    node.outputs.forEach((output, k) => {
      if (!output) return;
      if (!outputs[k]) fail(node, `has ${node.outputs.length} outputs; ${outputs.length} expected`);
      types.set(output, outputs[k]);
    });
  }
  return types;
}

/**
 * Types of a node's outputs, with their values where constants alone give them: exporters put pads together by Reshape,
 * Slice and Transpose.
 */
function withValues(context: InferContext, record: OpRecord): ValueType[] {
  const types = record.infer(context);
  const { node, opset } = context;
  const isSmall = ({ shape, elements }: ValueType): boolean =>
    !elements && !shape.some(isSymbolic) && sizeOf(shape as number[]) <= maxElements;
  if (node.inputs.length === 0 || !types.some(isSmall)) return types;
  const inputs: (Tensor | undefined)[] = [];
  for (const [i, name] of node.inputs.entries()) {
    const value = name ? (context.constant(i) ?? elementsAsTensor(context.input(i))) : undefined;
    if (name && !(value && value.data.length <= maxOperand)) return types;
    inputs.push(value && widened(value));
  }
  const input = (i: number): Tensor => inputs[i] ?? fail(node, `needs input ${i}, which is left out`);
  const values = record.evaluate({ node, opset, inputs, input });
  return types.map((type, k) => {
    if (!isSmall(type) || !values[k]) return type;
    const value = castTensor(values[k], type.dtype);
    return { ...constantType({ dtype: type.dtype, shape: type.shape as number[], value }), value };
  });
}

/** Integers that are known as elements, for want of their values. */
function elementsAsTensor({ dtype, shape, elements }: ValueType): Tensor | undefined {
  if (!elements || elements.some(isSymbolic)) return undefined;
  return castTensor(int64(elements as number[], shape as number[]), dtype);
}

/** Records compute on float32 in place of half precision. */
export function widened(value: Tensor): Tensor {
  return value.dtype === 'float16' || value.dtype === 'bfloat16' ? castTensor(value, 'float32') : value;
}

/** An operator without a record, where it first appears and how often it is used. */
export interface UnknownOp {
  readonly op: string;
  readonly domain: string;
  readonly node: string;
  readonly count: number;
}

/** Operators of the graph that have no record, in order of appearance. */
export function unknownOps(graph: Graph, ops: OpSet = defaultOps): UnknownOp[] {
  const unknown = new Map<string, UnknownOp>();
  for (const node of graph.nodes) {
    const key = opKey(node.op, node.domain);
    if (ops.has(key)) continue;
    const seen = unknown.get(key);
    unknown.set(
      key,
      seen ? { ...seen, count: seen.count + 1 } : { op: node.op, domain: node.domain, node: node.name, count: 1 },
    );
  }
  return [...unknown.values()];
}

/** @throws {SecateurError} UNKNOWN_OP listing all operators without a record, and what can be done all the same */
export function refuseUnknownOps(graph: Graph, ops: OpSet): void {
  const unknown = unknownOps(graph, ops);
  if (unknown.length === 0) return;
  const list = unknown.map(({ op, domain, node, count }) => {
    const name = domain ? `${domain}.${op}` : op;
    return `${name} (${count === 1 ? '1 node' : `${count} nodes`}, first "${node}")`;
  });
  throw new SecateurError('UNKNOWN_OP', `Operators not known: ${list.join(', ')}.`, {
    field: unknown[0].node,
    hint: `${advice(unknown)}, or describe the operator with defineOp and pass it in \`ops\`. Inspecting, and zeroing single weights by what needs weights alone, work as it is.`,
  });
}

function advice(unknown: readonly UnknownOp[]): string {
  return unknown.some(({ domain }) => domain === 'com.microsoft')
    ? 'Prune the model before onnxruntime’s optimiser fuses it'
    : 'Export without operator fusion';
}

/** The record of a node's operator. @throws {SecateurError} UNKNOWN_OP when there is none */
export function recordOf(ops: OpSet, node: GraphNode): OpRecord {
  const record = ops.get(opKey(node.op, node.domain));
  if (record) return record;
  throw new SecateurError('UNKNOWN_OP', `Operator ${node.op} of node "${node.name}" is not known.`, {
    field: node.name,
    hint: 'Describe the operator with defineOp and pass it in `ops`.',
  });
}

/** What a record's `infer` sees of `node`, given the types of the values before it. */
export function inferContext(graph: Graph, node: GraphNode, types: ReadonlyMap<string, ValueType>): InferContext {
  const typeOf = (i: number): ValueType => {
    const name = node.inputs[i];
    if (!name) {
      throw new SecateurError('BAD_FILE', `${node.op} "${node.name}" needs input ${i}, which is left out.`, {
        field: node.name,
      });
    }
    const type = types.get(name);
    if (type) return type;
    throw new SecateurError('BAD_FILE', `${node.op} "${node.name}" reads "${name}", which nothing before it makes.`, {
      field: name,
      hint: 'Nodes must stand in an order in which they can run.',
    });
  };
  const knownValue = (name = ''): Tensor | undefined => graph.constants.get(name)?.value ?? types.get(name)?.value;
  return {
    node,
    opset: graph.opset,
    inputCount: node.inputs.length,
    input: typeOf,
    has: (i) => !!node.inputs[i],
    constant: (i) => knownValue(node.inputs[i]),
    elements: (i) => (node.inputs[i] ? elementsOf(typeOf(i), knownValue(node.inputs[i])) : undefined),
    fail: (message) => fail(node, message),
  };
}

function elementsOf(type: ValueType, value: Tensor | undefined): readonly Dim[] | undefined {
  if (type.elements) return type.elements;
  // A constant too long for `maxElements` (a gather table) is still there to be read.
  return value && isInteger(value) && value.shape.length <= 1 ? toNumbers(value) : undefined;
}

function constantType(constant: Pick<Constant, 'dtype' | 'shape' | 'value'>): ValueType {
  const { dtype, shape, value } = constant;
  if (!value || !isInteger(value) || shape.length > 1 || value.data.length > maxElements) return { dtype, shape };
  return { dtype, shape, elements: toNumbers(value) };
}

function isInteger(value: Tensor): boolean {
  return value.dtype === 'int64' || value.dtype === 'int32' || value.dtype === 'bool';
}

function fail(node: GraphNode, message: string): never {
  throw new SecateurError('SHAPE_MISMATCH', `${node.op} "${node.name}": ${message}.`, { field: node.name });
}
