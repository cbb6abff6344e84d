import type { Attribute, Graph, GraphNode } from '@secateur/graph';

/** Computes once what several nodes compute alike: every block of a U-Net applies the same SiLU to the time embedding. */
export function withoutRepeats(graph: Graph): Graph {
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const renamed = new Map<string, string>();
  const seen = new Map<string, GraphNode>();
  const nodes: GraphNode[] = [];
  for (const given of graph.nodes) {
    const node = { ...given, inputs: given.inputs.map((name) => renamed.get(name) ?? name) };
    const key = keyOf(node);
    const known = key && seen.get(key);
    if (known && !node.outputs.some((name) => outputs.has(name))) {
      for (const [k, name] of node.outputs.entries()) renamed.set(name, known.outputs[k]!);
      continue;
    }
    if (key) seen.set(key, node);
    nodes.push(node);
  }
  return { ...graph, nodes };
}

/** Equal for nodes that compute the same; `undefined` for what is not worth comparing: tensors as attributes, random numbers. */
function keyOf({ op, domain, inputs, outputs, attributes }: GraphNode): string | undefined {
  if (inputs.length === 0 || op.startsWith('Random') || op === 'Multinomial' || op === 'Bernoulli') return undefined;
  const list: [string, Attribute][] = Object.entries(attributes);
  if (list.some(([, { type }]) => type === 'tensor')) return undefined;
  return JSON.stringify([
    op,
    domain,
    inputs,
    outputs.map((name) => name !== ''),
    list.sort(([a], [b]) => (a < b ? -1 : 1)),
  ]);
}
