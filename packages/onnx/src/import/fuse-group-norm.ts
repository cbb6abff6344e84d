import {
  type Constant,
  consumersOf,
  dimEquals,
  float,
  type Graph,
  type GraphNode,
  getFloat,
  inferTypes,
  int,
  type OpSet,
  producersOf,
  toFloat32,
  type ValueType,
  withoutDeadNodes,
} from '@secateur/graph';
import { uniqueNames } from '../unique-names.js';
import { reshaped } from '../views.js';

/**
 * Fuses the group normalisation of exporters into one `GroupNormalization` node with scale and bias of `[channels]`:
 *
 *     Reshape [0, G, -1] -> InstanceNormalization(1, 0) -> Reshape (shape of x) -> Mul [C, 1, 1] -> Add [C, 1, 1]
 *
 * The node is used at any operator set; {@link decomposeGroupNorm} takes it apart again on writing. Only the exact form
 * is fused: scale 1 and bias 0 inside, the same shape before and after, nothing else reading what lies between. Shapes
 * that are computed at run time have to be folded before.
 */
export function fuseGroupNorm(graph: Graph, ops?: OpSet): Graph {
  const starts = graph.nodes.filter((node) => node.op === 'InstanceNormalization' && node.domain === '');
  if (starts.length === 0) return graph;
  const search = new Search(graph, ops);
  const fused = new Map<GraphNode, GraphNode>();
  for (const start of starts) {
    const match = search.match(start);
    if (match) fused.set(match.last, search.fuse(start, match));
  }
  const nodes = graph.nodes.map((node) => fused.get(node) ?? node);
  return withoutDeadNodes({ ...graph, nodes, constants: search.constants });
}

interface Match {
  readonly x: string;
  readonly groups: number;
  readonly scale: string;
  readonly bias: string;
  /** The Add, whose output and place the fused node takes. */
  readonly last: GraphNode;
}

class Search {
  readonly constants: Map<string, Constant>;
  private readonly types: ReadonlyMap<string, ValueType>;
  private readonly producers: ReadonlyMap<string, GraphNode>;
  private readonly consumers: ReadonlyMap<string, readonly GraphNode[]>;
  private readonly outputs: ReadonlySet<string>;
  private readonly unique: (base: string) => string;

  constructor(
    private readonly graph: Graph,
    ops: OpSet | undefined,
  ) {
    this.constants = new Map(graph.constants);
    this.types = inferTypes(graph, ops ? { ops } : {});
    this.producers = producersOf(graph);
    this.consumers = consumersOf(graph);
    this.outputs = new Set(graph.outputs.map((output) => output.name));
    this.unique = uniqueNames(graph);
  }

  match(norm: GraphNode): Match | undefined {
    const split = this.producers.get(norm.inputs[0]!);
    if (split?.op !== 'Reshape' || !this.isFilled(norm.inputs[1], 1) || !this.isFilled(norm.inputs[2], 0))
      return undefined;
    const x = split.inputs[0]!;
    const whole = this.types.get(x)!.shape;
    const groups = this.groupsOf(split.outputs[0]!, whole);
    const join = this.onlyReader(norm, 'Reshape');
    if (groups === undefined || !join || !this.hasShapeOf(x, join.outputs[0]!)) return undefined;
    const mul = this.onlyReader(join, 'Mul');
    const add = mul && this.onlyReader(mul, 'Add');
    const scale = mul && this.affine(mul, join, whole);
    const bias = mul && add && this.affine(add, mul, whole);
    if (!add || !scale || !bias) return undefined;
    return { x, groups, scale, bias, last: add };
  }

  fuse(norm: GraphNode, { x, groups, scale, bias, last }: Match): GraphNode {
    const path = norm.name.slice(0, norm.name.lastIndexOf('/') + 1);
    return {
      name: this.unique(`${path}GroupNormalization`),
      op: 'GroupNormalization',
      domain: '',
      inputs: [x, this.flat(scale), this.flat(bias)],
      outputs: last.outputs,
      attributes: { num_groups: int(groups), epsilon: float(getFloat(norm, 'epsilon', 1e-5)) },
      scope: norm.scope,
    };
  }

  /** `G` when `split` is `[N, G, ...]` of `x: [N, C, ...]` with everything else in its last axis. */
  private groupsOf(split: string, whole: ValueType['shape']): number | undefined {
    const { shape } = this.types.get(split)!;
    const [batch, groups] = shape;
    const channels = whole[1];
    if (shape.length !== 3 || whole.length < 2 || typeof groups !== 'number' || typeof channels !== 'number')
      return undefined;
    return dimEquals(batch!, whole[0]!) && channels % groups === 0 ? groups : undefined;
  }

  private hasShapeOf(x: string, y: string): boolean {
    const a = this.types.get(x)!.shape;
    const b = this.types.get(y)!.shape;
    return a.length === b.length && a.every((dim, axis) => dimEquals(dim, b[axis]!));
  }

  private onlyReader(node: GraphNode, op: string): GraphNode | undefined {
    const output = node.outputs[0]!;
    const [reader, ...others] = this.consumers.get(output) ?? [];
    return others.length === 0 && reader?.op === op && !this.outputs.has(output) ? reader : undefined;
  }

  /** The other operand of Mul or Add, if it is a constant with one value per channel of `x: whole`. */
  private affine(node: GraphNode, before: GraphNode, whole: ValueType['shape']): string | undefined {
    const name = node.inputs.find((input) => input !== before.outputs[0]);
    const shape = name === undefined ? undefined : this.graph.constants.get(name)?.shape;
    if (!shape || shape.length > whole.length) return undefined;
    const channelAxis = shape.length - whole.length + 1;
    const fits = shape.every((size, axis) => size === (axis === channelAxis ? whole[1] : 1));
    return fits && channelAxis >= 0 ? name : undefined;
  }

  private isFilled(name: string | undefined, expected: number): boolean {
    const value = this.graph.constants.get(name ?? '')?.value;
    return value !== undefined && toFloat32(value).every((item) => item === expected);
  }

  /** The constant as `[channels]`, under its own name when nothing else reads it. */
  private flat(name: string): string {
    const constant = this.graph.constants.get(name)!;
    const { shape, parameter } = constant;
    const kept = parameter ? parameter.axes.findIndex((axis) => axis !== null) : shape.findIndex((size) => size !== 1);
    const axis = Math.max(kept, 0);
    const view = reshaped(constant, [shape[axis]!], [axis]);
    const isShared = this.outputs.has(name) || (this.consumers.get(name) ?? []).length > 1;
    const target = isShared ? this.unique(`${name}/flat`) : name;
    this.constants.set(target, view);
    return target;
  }
}
