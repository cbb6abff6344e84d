import {
  consumersOf,
  defaultOps,
  float32,
  type Graph,
  type GraphNode,
  opKey,
  producersOf,
  sizeOf,
  string,
  type Tensor,
  toFloat32,
  withoutDeadNodes,
} from '@secateur/graph';

/** Activations that are one kernel, and the node that says each. */
const known: readonly { readonly f: (x: number) => number; readonly node: Pick<GraphNode, 'op' | 'attributes'> }[] = [
  { f: (x) => x / (1 + Math.exp(-x)), node: { op: 'Swish', attributes: {} } },
  { f: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)), node: { op: 'Gelu', attributes: {} } },
  {
    f: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
    node: { op: 'Gelu', attributes: { approximate: string('tanh') } },
  },
];

/** What exporters write an activation with, around a Sigmoid, an Erf or a Tanh. */
const centres = new Set(['Sigmoid', 'Erf', 'Tanh']);
const around = new Set([...centres, 'Mul', 'Div', 'Add', 'Sub', 'Pow', 'Neg']);

/** Longest way from the input to the centre, and from there to the result. */
const mostNodes = 6;

const probe = float32([12], [-9, -4.1, -2.3, -1.2, -0.51, -0.07, 0.13, 0.72, 1.31, 2.6, 4.4, 8.5]);

/**
 * Replaces what is written out as several nodes by one `Swish` or `Gelu`. Not by how it is written, which differs from exporter to
 * exporter, but by what it computes: the nodes around a Sigmoid, Erf or Tanh are tried on some numbers.
 */
export function nameActivations(graph: Graph): Graph {
  const finder = new Finder(graph);
  const replaced = new Map<GraphNode, GraphNode>();
  for (const node of graph.nodes) {
    if (!centres.has(node.op) || node.domain !== '') continue;
    const found = finder.around(node);
    if (found) replaced.set(found.last, found.activation);
  }
  if (replaced.size === 0) return graph;
  return withoutDeadNodes({ ...graph, nodes: graph.nodes.map((node) => replaced.get(node) ?? node) });
}

class Finder {
  private readonly producers: ReadonlyMap<string, GraphNode>;
  private readonly consumers: ReadonlyMap<string, readonly GraphNode[]>;

  constructor(private readonly graph: Graph) {
    this.producers = producersOf(graph);
    this.consumers = consumersOf(graph);
  }

  around(centre: GraphNode): { last: GraphNode; activation: GraphNode } | undefined {
    for (const root of this.roots(centre)) {
      const values = new Map<string, Tensor>([[root, probe]]);
      if (!this.compute(centre.outputs[0]!, values, mostNodes)) continue;
      // On from the centre along nodes that need nothing else.
      let front = [centre.outputs[0]!];
      for (let depth = 0; depth < mostNodes && front.length > 0; depth++) {
        const next: string[] = [];
        for (const node of front.flatMap((name) => this.consumers.get(name) ?? [])) {
          const value = this.compute(node.outputs[0]!, values, mostNodes);
          if (!value) continue;
          const match = known.find(({ f }) => isClose(value, f));
          if (match) return { last: node, activation: { ...node, ...match.node, inputs: [root] } };
          next.push(node.outputs[0]!);
        }
        front = next;
      }
    }
    return undefined;
  }

  /** Values that the centre may be a function of, the nearest first. */
  private roots(centre: GraphNode): string[] {
    const roots: string[] = [];
    let front = [centre];
    for (let depth = 0; depth < mostNodes && front.length > 0; depth++) {
      const inputs = [...new Set(front.flatMap(({ inputs }) => inputs))].filter((name) => name && !this.scalar(name));
      roots.push(...inputs.filter((name) => !roots.includes(name)));
      front = inputs.flatMap((name) => this.producers.get(name) ?? []).filter(({ op }) => around.has(op));
    }
    return roots;
  }

  /** The value for the probe, computed from the root; `undefined` when it needs anything but numbers besides. */
  private compute(name: string, values: Map<string, Tensor>, depth: number): Tensor | undefined {
    const seen = values.get(name) ?? this.scalar(name);
    if (seen) return seen;
    const node = this.producers.get(name);
    if (!node || depth === 0 || !around.has(node.op) || node.domain !== '') return undefined;
    const inputs: Tensor[] = [];
    for (const input of node.inputs) {
      const value = this.compute(input, values, depth - 1);
      if (!value) return undefined;
      inputs.push(value);
    }
    const record = defaultOps.get(opKey(node.op))!;
    const [value] = record.evaluate({ node, opset: this.graph.opset, inputs, input: (i) => inputs[i]! });
    values.set(name, value!);
    return value;
  }

  private scalar(name: string): Tensor | undefined {
    const constant = this.graph.constants.get(name);
    return constant?.value && sizeOf(constant.shape) === 1 ? float32([], [Number(constant.value.data[0])]) : undefined;
  }
}

/** Float32 arithmetic in another order. */
function isClose({ data }: Tensor, f: (x: number) => number): boolean {
  return (
    probe.data.length === data.length &&
    [...toFloat32(probe)].every((x, i) => {
      const expected = f(x);
      return Math.abs(Number(data[i]) - expected) <= 2e-6 * (1 + Math.abs(expected));
    })
  );
}

function erf(x: number): number {
  const record = defaultOps.get(opKey('Erf'))!;
  const node = { name: 'erf', op: 'Erf', domain: '', inputs: ['x'], outputs: ['y'], attributes: {}, scope: '' };
  const input = float32([], [x]);
  return Number(record.evaluate({ node, opset: 18, inputs: [input], input: () => input })[0]!.data[0]);
}
