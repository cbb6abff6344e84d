import { consumersOf, type Graph, getInt } from '@secateur/graph';

/** What changes a tensor's shape and not its numbers. */
const reshaping = new Set(['Expand', 'Flatten', 'Identity', 'Reshape', 'Squeeze', 'Unsqueeze']);
const onnxFloat = 1;

/**
 * The graph with a timestep that may be a fraction, as several samplers want it: the input's type becomes float32 where all
 * that is done with its whole numbers is to turn them into float32. Any other graph as it is.
 */
export function withFractionalTimesteps(graph: Graph, input: string): Graph {
  const value = graph.inputs.find(({ name }) => name === input);
  if (value?.dtype !== 'int64' || !becomesFloat(graph, input)) return graph;
  return {
    ...graph,
    inputs: graph.inputs.map((each) => (each === value ? { ...each, dtype: 'float32' } : each)),
  };
}

function becomesFloat(graph: Graph, input: string): boolean {
  const consumers = consumersOf(graph);
  const open = [input];
  let casts = 0;
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (graph.outputs.some((output) => output.name === name)) return false;
    for (const node of consumers.get(name) ?? []) {
      if (node.op === 'Cast' && getInt(node, 'to', 0) === onnxFloat) casts++;
      else if (reshaping.has(node.op) && node.inputs[0] === name && !node.inputs.slice(1).includes(name)) {
        open.push(...node.outputs);
      } else return false;
    }
  }
  return casts > 0;
}
