import {
  castTensor,
  defaultOps,
  evaluateNode,
  type Graph,
  type GraphNode,
  int64,
  isSymbolic,
  opKey,
  sizeOf,
  type Tensor,
  type ValueType,
} from '@secateur/graph';
import { Lowering } from './lowering.js';
import { lowerings } from './ops/index.js';
import { NodeContext } from './ops/op-lowering.js';
import { plain, plainOps, tensorStep } from './ops/plain.js';
import type { Step } from './step.js';
import { type ConstantValue, type HostValue, type Value, widened } from './values.js';

/** Name under which the tensor of an output is found when all steps are done. */
export const outputKey = (name: string): string => `output ${name}`;

/** The node's outputs by another engine's hands. */
export type Foreign = (lowering: Lowering, node: GraphNode) => readonly Value[];

/** Largest computed constant that is computed at once; larger ones wait until a layer is packed. */
const mostEager = 4096;

/**
 * The steps of a graph whose shapes are known. Feeds are found among the tensors by their names, outputs by `outputKey`.
 *
 * @throws {SecateurError} UNKNOWN_OP for forms of operators that the engine does not have
 */
export function lowerGraph(graph: Graph, types: ReadonlyMap<string, ValueType>, foreign?: Foreign): Step[] {
  const lowering = new Lowering(graph, types);
  for (const [name, constant] of graph.constants) {
    lowering.set(name, {
      kind: 'constant',
      label: name,
      shape: constant.shape,
      value: constant.value && widened(constant.value),
      read: async () => constant.value ?? constant.read(),
    });
  }
  for (const { name } of graph.inputs) lowerInput(lowering, name);
  for (const node of graph.nodes) {
    const outputs = lowerNode(lowering, node, foreign);
    for (const [k, name] of node.outputs.entries()) if (name) lowering.set(name, outputs[k]!);
  }
  for (const { name } of graph.outputs) lowerOutput(lowering, name);
  return lowering.steps;
}

function lowerInput(lowering: Lowering, name: string): void {
  const shape = lowering.shapeOf(name);
  const fed: HostValue = { kind: 'host', label: name, shape };
  if (!lowering.isResident(name)) {
    lowering.set(name, fed);
    return;
  }
  const view = lowering.make(name, shape);
  lowering.emit(tensorStep(name, 'input', [fed], [view], ([value]) => [value!]));
  lowering.set(name, view);
}

function lowerOutput(lowering: Lowering, name: string): void {
  const given = lowering.value(name);
  const value = given.kind === 'view' ? lowering.ready(given) : given;
  const { dtype } = lowering.types.get(name)!;
  const out: HostValue = { kind: 'host', label: outputKey(name), shape: value.shape };
  lowering.emit(tensorStep(name, 'output', [value], [out], ([tensor]) => [copied(tensor!, value, dtype)]));
}

/** Results belong to the caller: what is no copy already becomes one. */
function copied(value: Tensor, from: Value, dtype: Tensor['dtype']): Tensor {
  const cast = castTensor(value, dtype);
  return from.kind === 'view' || cast !== value ? cast : { ...cast, data: cast.data.slice() };
}

function lowerNode(lowering: Lowering, node: GraphNode, foreign: Foreign | undefined): readonly Value[] {
  const known = constantOutputs(lowering, node);
  if (known) return known;
  const key = opKey(node.op, node.domain);
  const record = lowerings.get(key);
  const isAtHome =
    node.outputs.every((name) => !name || lowering.isResident(name)) && lowering.isResident(node.inputs[0] ?? '');
  const context = new NodeContext(lowering, node);
  try {
    const values = record && isAtHome ? record.lower(context) : undefined;
    if (values) return values;
    if (plainOps.has(key)) return plain(lowering, node);
    return context.refuse(`of ${lowering.types.get(node.outputs[0]!)!.dtype} has no kernel in this engine`);
  } catch (error) {
    if (foreign && (error as { code?: string }).code === 'UNKNOWN_OP') return foreign(lowering, node);
    throw error;
  }
}

/** Outputs that constants and shapes alone give. */
function constantOutputs(lowering: Lowering, node: GraphNode): readonly Value[] | undefined {
  const shaped = node.outputs.map((name) => (name ? fromType(lowering, name) : undefined));
  if (shaped.every((value, k) => value || !node.outputs[k])) return shaped as readonly Value[];
  const inputs = node.inputs.map((name) => (name ? lowering.value(name) : undefined));
  const isConstant = (value: Value | undefined): value is ConstantValue | undefined =>
    !value || value.kind === 'constant';
  if (!inputs.every(isConstant)) return undefined;
  const read = async (): Promise<Tensor[]> => {
    const values: (Tensor | undefined)[] = [];
    for (const input of inputs) values.push(input && widened(input.value ?? (await input.read())));
    return evaluateNode(defaultOps, node, lowering.graph.opset, values);
  };
  const shapes = node.outputs.map((name) => (name ? lowering.shapeOf(name) : []));
  const isEager = inputs.every((input) => !input || input.value) && shapes.every((shape) => sizeOf(shape) <= mostEager);
  const values = isEager
    ? evaluateNode(
        defaultOps,
        node,
        lowering.graph.opset,
        inputs.map((input) => input?.value),
      )
    : undefined;
  const [first] = inputs;
  const isTranspose = node.op === 'Transpose' && first?.shape.length === 2 && shapes[0]![0] === first.shape[1];
  return node.outputs.map((label, k): Value => {
    const value = values?.[k] && castTensor(values[k], typeOf(lowering, label));
    return {
      kind: 'constant',
      label,
      shape: shapes[k]!,
      value,
      read: async () => value ?? (await read())[k]!,
      ...(isTranspose && swaps(node) && { transposeOf: first }),
    };
  });
}

function swaps({ attributes }: GraphNode): boolean {
  const perm = attributes.perm;
  return perm?.type !== 'ints' || perm.value.join() === '1,0';
}

/** float16 is computed as float32. */
function typeOf(lowering: Lowering, name: string): Tensor['dtype'] {
  const dtype = lowering.types.get(name)?.dtype ?? 'float32';
  return dtype === 'float16' || dtype === 'bfloat16' ? 'float32' : dtype;
}

function fromType(lowering: Lowering, name: string): ConstantValue | undefined {
  const { dtype, elements, value, shape } = lowering.types.get(name)!;
  let tensor = value;
  if (!tensor && elements && !elements.some(isSymbolic)) {
    tensor = castTensor(int64(elements as number[], shape as number[]), dtype);
  }
  if (!tensor) return undefined;
  const kept = widened(tensor);
  return { kind: 'constant', label: name, shape: kept.shape, value: kept, read: async () => kept };
}
