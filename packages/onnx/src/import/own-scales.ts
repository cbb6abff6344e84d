import type { Constant, Graph } from '@secateur/graph';
import { uniqueNames } from '../unique-names.js';

/** Norms over the last axes. */
const NORMS = new Set(['LayerNormalization', 'RMSNormalization']);

/**
 * Gives every norm without weights its own scale and bias. Exporters write one constant of ones for all norms of a width;
 * a cut of that constant would cut all of them alike, however little else they have in common.
 */
export function ownScales(graph: Graph): Graph {
  const unique = uniqueNames(graph);
  const constants = new Map<string, Constant>(graph.constants);
  const taken = new Set<string>();
  const nodes = graph.nodes.map((node) => {
    if (!NORMS.has(node.op) || node.domain !== '') return node;
    const inputs = node.inputs.map((name, i) => {
      const constant = constants.get(name);
      if (i === 0 || !constant || constant.parameter) return name;
      if (!taken.has(name)) {
        taken.add(name);
        return name;
      }
      const own = unique(`${name}/own`);
      constants.set(own, constant);
      return own;
    });
    return { ...node, inputs };
  });
  return constants.size === graph.constants.size ? graph : { ...graph, nodes, constants };
}
