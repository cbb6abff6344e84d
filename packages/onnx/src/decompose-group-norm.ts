import {
  type Constant,
  castTensor,
  constantOf,
  consumersOf,
  type DType,
  float,
  float32,
  type Graph,
  type GraphNode,
  getFloat,
  getInt,
  inferTypes,
  int64,
  type OpSet,
  SecateurError,
  type Tensor,
  type ValueType,
} from '@secateur/graph';
import { uniqueNames } from './unique-names.js';
import { reshaped } from './views.js';

/**
 * Replaces every `GroupNormalization` by the nodes that exporters write for it, which runtimes know at every operator
 * set and optimisers recognise:
 *
 *     Reshape [0, G, -1] -> InstanceNormalization(1, 0) -> Reshape (shape of x) -> Mul scale -> Add bias
 *
 * `x: [batch, channels, ...]`, any rank from 2 up. `scale` and `bias` of `[channels]` are used as `[channels, 1, 1]` (as
 * many ones as x has axes after the channels): a constant that nothing else reads just changes its shape, any other value
 * goes through a Reshape.
 *
 * @param keep constants whose shape must stay, e.g. because they become inputs of the model
 * @throws {SecateurError} UNKNOWN_OP, SHAPE_MISMATCH when the rank of x cannot be worked out
 */
export function decomposeGroupNorm(graph: Graph, keep: ReadonlySet<string> = new Set(), ops?: OpSet): Graph {
  if (!graph.nodes.some(isGroupNorm)) return graph;
  const pass = new Decomposition(graph, keep, ops);
  const nodes = graph.nodes.flatMap((node) => (isGroupNorm(node) ? pass.decompose(node) : [node]));
  return { ...graph, nodes, constants: pass.constants };
}

function isGroupNorm(node: GraphNode): boolean {
  return node.op === 'GroupNormalization' && node.domain === '';
}

class Decomposition {
  readonly constants: Map<string, Constant>;
  private readonly types: ReadonlyMap<string, ValueType>;
  private readonly consumers: ReadonlyMap<string, readonly GraphNode[]>;
  private readonly unique: (base: string) => string;
  private readonly made = new Map<string, string>();

  constructor(
    private readonly graph: Graph,
    private readonly keep: ReadonlySet<string>,
    ops: OpSet | undefined,
  ) {
    this.constants = new Map(graph.constants);
    this.types = inferTypes(graph, ops ? { ops } : {});
    this.consumers = consumersOf(graph);
    this.unique = uniqueNames(graph);
  }

  decompose(node: GraphNode): GraphNode[] {
    const [x, scale, bias] = node.inputs as [string, string, string];
    const groups = getInt(node, 'num_groups', 0);
    const { dtype, shape } = this.types.get(x)!;
    if (groups < 1 || shape.length < 2) {
      throw new SecateurError(
        'SHAPE_MISMATCH',
        `GroupNormalization "${node.name}" has ${groups} groups over rank ${shape.length}; at least 1 and 2 expected.`,
        { field: node.name },
      );
    }
    const nodes: GraphNode[] = [];
    const path = node.name.slice(0, node.name.lastIndexOf('/') + 1);
    const add = (op: string, inputs: string[], attributes: GraphNode['attributes'] = {}, output?: string): string => {
      const name = this.unique(`${path}${op}`);
      const outputs = [output ?? this.unique(`${name}_output_0`)];
      nodes.push({ name, op, domain: '', inputs, outputs, attributes, scope: node.scope });
      return outputs[0]!;
    };
    const split = this.shared(`group_norm/split_${groups}`, int64([0, groups, -1]));
    const ones = this.shared(`group_norm/ones_${groups}_${dtype}`, filled(dtype, groups, 1));
    const zeros = this.shared(`group_norm/zeros_${groups}_${dtype}`, filled(dtype, groups, 0));
    const epsilon = { epsilon: float(getFloat(node, 'epsilon', 1e-5)) };
    const normal = add('InstanceNormalization', [add('Reshape', [x, split]), ones, zeros], epsilon);
    const back = add('Reshape', [normal, add('Shape', [x])]);
    const affine = (value: string): string => {
      const target = [-1, ...shape.slice(2).map(() => 1)];
      if (shape.length === 2 || this.reshapeInPlace(value, shape.length)) return value;
      return add('Reshape', [value, this.shared(`group_norm/affine_${shape.length}`, int64(target))]);
    };
    const scaled = add('Mul', [back, affine(scale)]);
    add('Add', [scaled, affine(bias)], {}, node.outputs[0]);
    return nodes;
  }

  /** Gives a constant that only norms over `rank` axes read the shape `[channels, 1, …]`. */
  private reshapeInPlace(name: string, rank: number): boolean {
    const constant = this.graph.constants.get(name);
    if (constant?.shape.length !== 1 || this.keep.has(name)) return false;
    if (this.graph.outputs.some((output) => output.name === name)) return false;
    const readers = this.consumers.get(name) ?? [];
    if (!readers.every((node) => isGroupNorm(node) && this.types.get(node.inputs[0]!)!.shape.length === rank))
      return false;
    const ones = Array.from({ length: rank - 2 }, () => 1);
    this.constants.set(name, reshaped(constant, [constant.shape[0]!, ...ones], [0, ...ones.map(() => null)]));
    return true;
  }

  /** One constant for all norms that need it. */
  private shared(base: string, value: Tensor): string {
    let name = this.made.get(base);
    if (name === undefined) {
      name = this.unique(base);
      this.made.set(base, name);
      this.constants.set(name, constantOf(value));
    }
    return name;
  }
}

function filled(dtype: DType, length: number, value: number): Tensor {
  return castTensor(float32([length], new Float32Array(length).fill(value)), dtype);
}
