import { SecateurError } from './errors.js';
import { type Graph, withoutDeadNodes } from './graph.js';

/**
 * The part of a graph that some of its outputs need: nodes and constants that only other outputs need are gone, and so are
 * inputs that nothing reads any more.
 *
 * @param outputs  names of outputs of the graph, in the order wanted
 * @throws {SecateurError} BAD_OPTION when a name is not one of the graph's outputs
 */
export function subgraph(graph: Graph, outputs: readonly string[]): Graph {
  const kept = outputs.map((name) => {
    const output = graph.outputs.find((candidate) => candidate.name === name);
    if (output) return output;
    throw new SecateurError('BAD_OPTION', `${graph.name} has no output "${name}".`, {
      field: name,
      hint: `Its outputs are ${graph.outputs.map((candidate) => candidate.name).join(', ')}.`,
    });
  });
  const part = withoutDeadNodes({ ...graph, outputs: kept });
  const read = new Set([...part.nodes.flatMap((node) => node.inputs), ...outputs]);
  return { ...part, inputs: graph.inputs.filter(({ name }) => read.has(name)) };
}
