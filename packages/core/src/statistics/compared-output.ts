import { constantOf, type Graph, type GraphNode, int64, isSymbolic, type ValueInfo } from '@secateur/graph';

/** A graph and the output of it that is compared with a target. */
export interface ComparedOutput {
  readonly graph: Graph;
  readonly output: ValueInfo;
}

/**
 * The graph's first output. Where that has more channels (axis 1) than the target, because the model predicts variances as
 * well (DiT, improved DDPM), the first of them, as an output of its own.
 */
export function comparedOutput(graph: Graph, targetChannels: number | undefined): ComparedOutput {
  const [output] = graph.outputs;
  const channels = output.shape[1];
  if (targetChannels === undefined || channels === undefined || isSymbolic(channels) || channels <= targetChannels) {
    return { graph, output };
  }
  const name = 'secateur.prediction';
  const bounds = { starts: 0, ends: targetChannels, axes: 1 };
  const constants = new Map(graph.constants);
  for (const [part, value] of Object.entries(bounds)) constants.set(`${name}.${part}`, constantOf(int64([value])));
  const inputs = [output.name, ...Object.keys(bounds).map((part) => `${name}.${part}`)];
  const slice: GraphNode = { name, op: 'Slice', domain: '', inputs, outputs: [name], attributes: {}, scope: '' };
  const first: ValueInfo = {
    ...output,
    name,
    shape: output.shape.map((dim, axis) => (axis === 1 ? targetChannels : dim)),
  };
  return {
    graph: { ...graph, constants, nodes: [...graph.nodes, slice], outputs: [first, ...graph.outputs] },
    output: first,
  };
}
