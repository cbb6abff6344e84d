import type { Dim } from './dim.js';
import { SecateurError } from './errors.js';
import type { DType, Tensor } from './tensor.js';

/** An attribute of a node, tagged with its ONNX type. */
export type Attribute =
  | { readonly type: 'int'; readonly value: number }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'ints'; readonly value: readonly number[] }
  | { readonly type: 'floats'; readonly value: readonly number[] }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'tensor'; readonly value: Tensor };

export const int = (value: number): Attribute => ({ type: 'int', value });
export const float = (value: number): Attribute => ({ type: 'float', value });
export const string = (value: string): Attribute => ({ type: 'string', value });
export const ints = (value: readonly number[]): Attribute => ({ type: 'ints', value });

export interface GraphNode {
  /** Unique in the graph. */
  readonly name: string;
  /** ONNX operator, e.g. `Conv`. */
  readonly op: string;
  /** ONNX operator domain; empty for the standard one. */
  readonly domain: string;
  /** Value names; an empty string is an optional input left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Module path, e.g. `down_blocks.1.resnets.0.conv1`: how people name layers. May be empty. */
  readonly scope: string;
}

/**
 * Which checkpoint tensor a constant is, and how their axes correspond. ONNX files transpose linear weights and reshape
 * norm weights; people always see the checkpoint's name and axes.
 */
export interface ParameterIdentity {
  /** Name in the checkpoint, e.g. `mid_block.attentions.0.to_q.weight`. */
  readonly name: string;
  /** Shape in the checkpoint. */
  readonly shape: readonly number[];
  /** For every axis of the constant the checkpoint's axis, or `null` for an inserted axis of size 1. */
  readonly axes: readonly (number | null)[];
  /** A buffer (a position table, a running mean) is stored with the model but is not a parameter. */
  readonly buffer?: boolean;
  /** A buffer that stock loaders compute: checkpoints need not hold it. */
  readonly computed?: boolean;
}

/** Where a constant's bytes lie in a file, when they do so unchanged. */
export interface ByteLocation {
  /** File as its source names it. */
  readonly file: string;
  /** Absolute path on disk, when the file has one (`ByteSource.path`): engines can then map the bytes instead of copying. */
  readonly path?: string;
  readonly offset: number;
  readonly byteLength: number;
}

/** Gives so many bytes of memory; what they hold does not matter. */
export type Allocate = (bytes: number) => Uint8Array<ArrayBuffer>;

/** A weight or other constant. Values may still be in a file: `read` brings them. */
export interface Constant {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Type in the checkpoint, where values are widened on reading; that of the constant otherwise. */
  readonly storedAs?: DType;
  /** The values, when they are in memory already (always so for small integer constants). */
  readonly value?: Tensor;
  /**
   * Brings the values. Never mutate what it returns.
   *
   * @param as with `stored`, a constant that has a `storedAs` may spare the widening and give its values in that type: the
   *   tensor says which it is. For whoever copies values or looks at their bits, and need not compute with them.
   * @param allocate memory that the values may be read into, asked for at most once. A tensor that lies in it is the
   *   caller's, to change and to use again; any other is not. A constant that keeps what it reads must not pass it on.
   */
  read(as?: 'stored', allocate?: Allocate): Promise<Tensor>;
  readonly parameter?: ParameterIdentity;
  /** What the file says about the constant, before it has an identity: a result of folding is `computed`. */
  readonly declared?: 'parameter' | 'buffer' | 'computed';
  /** It follows from the model's configuration and no file stores it: nothing can be cut off it. */
  readonly fixed?: boolean;
  readonly location?: ByteLocation;
}

export interface ValueInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

/** A graph with ONNX semantics. Graphs are values: every operation returns a new one and shares the constants. */
export interface Graph {
  readonly name: string;
  /** Version of the standard ONNX operator set, e.g. 18. */
  readonly opset: number;
  /** Versions of other operator domains. */
  readonly domains: Readonly<Record<string, number>>;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** In an order in which they can run. */
  readonly nodes: readonly GraphNode[];
  readonly constants: ReadonlyMap<string, Constant>;
  /** Free text carried along, e.g. an ONNX file's metadata properties. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A constant whose values are in memory. */
export function constantOf(value: Tensor, parameter?: ParameterIdentity): Constant {
  return { dtype: value.dtype, shape: value.shape, value, read: async () => value, parameter };
}

/** Identity of a checkpoint tensor stored as it is. */
export function parameterNamed(name: string, shape: readonly number[], buffer = false): ParameterIdentity {
  return { name, shape, axes: shape.map((_, axis) => axis), ...(buffer ? { buffer } : {}) };
}

export function getInt(node: GraphNode, name: string, fallback: number): number {
  return getAttribute(node, name, 'int')?.value ?? fallback;
}

export function getFloat(node: GraphNode, name: string, fallback: number): number {
  return getAttribute(node, name, 'float')?.value ?? fallback;
}

export function getString(node: GraphNode, name: string, fallback: string): string {
  return getAttribute(node, name, 'string')?.value ?? fallback;
}

export function getInts(node: GraphNode, name: string): readonly number[] | undefined {
  return getAttribute(node, name, 'ints')?.value;
}

function getAttribute<T extends Attribute['type']>(
  node: GraphNode,
  name: string,
  type: T,
): Extract<Attribute, { type: T }> | undefined {
  const attribute = node.attributes[name];
  if (attribute === undefined) return undefined;
  if (attribute.type !== type) {
    throw new SecateurError(
      'BAD_FILE',
      `${node.op} "${node.name}": attribute ${name} must be ${type}, is ${attribute.type}.`,
      {
        field: name,
      },
    );
  }
  return attribute as Extract<Attribute, { type: T }>;
}

/** The node that makes each value. */
export function producersOf(graph: Graph): Map<string, GraphNode> {
  const producers = new Map<string, GraphNode>();
  for (const node of graph.nodes) for (const output of node.outputs) if (output) producers.set(output, node);
  return producers;
}

/** The nodes that read each value, in order. */
export function consumersOf(graph: Graph): Map<string, GraphNode[]> {
  const consumers = new Map<string, GraphNode[]>();
  for (const node of graph.nodes) {
    for (const input of new Set(node.inputs)) {
      if (!input) continue;
      const list = consumers.get(input);
      if (list) list.push(node);
      else consumers.set(input, [node]);
    }
  }
  return consumers;
}

/** Leaves out nodes and constants that no output needs. */
export function withoutDeadNodes(graph: Graph): Graph {
  const needed = new Set(graph.outputs.map((output) => output.name));
  const nodes: GraphNode[] = [];
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i];
    if (!node.outputs.some((output) => needed.has(output))) continue;
    nodes.push(node);
    for (const input of node.inputs) if (input) needed.add(input);
  }
  const constants = new Map([...graph.constants].filter(([name]) => needed.has(name)));
  return { ...graph, nodes: nodes.reverse(), constants };
}
