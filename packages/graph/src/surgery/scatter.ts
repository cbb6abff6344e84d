import type { Modulation } from '../coupling/modulation.js';
import { type Constant, constantOf, type Graph, type GraphNode, int } from '../graph.js';
import { int64, toNumbers } from '../tensor.js';
import { sliceConstant } from './slice-constant.js';

/** Names of the nodes that put zeros in the place of removed outputs end in this. */
export const scatterNode = 'scatter';

/**
 * The graph with only some outputs of a linear computed; the others are zero. The linear gives the surviving outputs, one
 * column of zeros is added, and every output is picked from these.
 *
 * @param graph  holds the linear of {@link Modulation}, maybe narrower by now
 * @param rank  of the linear's result
 * @param left  positions of the outputs that are computed, ascending, along the linear's outputs in `graph`
 */
export function keepOutputs(graph: Graph, { slices, value }: Modulation, rank: number, left: readonly number[]): Graph {
  const constants = new Map<string, Constant>(graph.constants);
  let width = 0;
  for (const { value: weight, valueAxis } of slices) {
    const constant = constants.get(weight)!;
    width = constant.shape[valueAxis];
    constants.set(weight, sliceConstant(constant, new Map([[valueAxis, left]])));
  }
  const position = new Map(left.map((output, at) => [output, at]));
  const known = scatterBehind(graph, value);
  const picks = known?.picks ?? Array.from({ length: width }, (_, output) => output);
  const { left: narrow, padded, indices, pads } = freshNames(graph, value);
  constants.set(indices, constantOf(int64(picks.map((pick) => position.get(pick) ?? left.length))));
  const nodes = graph.nodes.map((node) =>
    node.outputs.includes(value)
      ? { ...node, outputs: node.outputs.map((output) => (output === value ? narrow : output)) }
      : node,
  );
  if (known) {
    // Zeros were put there before: what picks now counts from the narrower linear.
    const { pad, gather } = known;
    const change = (node: GraphNode): GraphNode => {
      if (node === pad) return { ...pad, inputs: [narrow, ...pad.inputs.slice(1)], outputs: [padded] };
      return node === gather ? { ...gather, inputs: [padded, indices] } : node;
    };
    return { ...graph, nodes: nodes.map(change), constants };
  }
  const at = graph.nodes.findIndex((node) => node.outputs.includes(value));
  const { scope } = graph.nodes[at];
  const base = scope === '' ? value : scope;
  constants.set(pads, constantOf(int64([...new Array<number>(2 * rank - 1).fill(0), 1])));
  const added: GraphNode[] = [
    { name: `${base}/zero`, op: 'Pad', domain: '', inputs: [narrow, pads], outputs: [padded], attributes: {}, scope },
    {
      name: `${base}/${scatterNode}`,
      op: 'Gather',
      domain: '',
      inputs: [padded, indices],
      outputs: [value],
      attributes: { axis: int(rank - 1) },
      scope,
    },
  ];
  return { ...graph, nodes: [...nodes.slice(0, at + 1), ...added, ...nodes.slice(at + 1)], constants };
}

/** Names for what is added, unlike any other. */
function freshNames(graph: Graph, value: string): Record<'left' | 'padded' | 'indices' | 'pads', string> {
  const taken = new Set([...graph.constants.keys(), ...graph.nodes.flatMap(({ outputs }) => outputs)]);
  const root = value.replace(/\/left(?:_\d+)?$/, '');
  const name = (part: string): string => {
    let fresh = `${root}/${part}`;
    for (let n = 1; taken.has(fresh); n++) fresh = `${root}/${part}_${n}`;
    return fresh;
  };
  return { left: name('left'), padded: name('padded'), indices: name('indices'), pads: name('pads') };
}

/** The picks that an earlier cut put behind a linear. */
function scatterBehind(
  graph: Graph,
  value: string,
): { pad: GraphNode; gather: GraphNode; picks: number[] } | undefined {
  const readers = (name: string): GraphNode[] => graph.nodes.filter(({ inputs }) => inputs.includes(name));
  const [pad, ...others] = readers(value);
  if (pad?.op !== 'Pad' || others.length > 0) return undefined;
  const [gather] = readers(pad.outputs[0]);
  const picks = gather?.name.endsWith(`/${scatterNode}`) ? graph.constants.get(gather.inputs[1])?.value : undefined;
  return picks && { pad, gather, picks: toNumbers(picks) };
}
