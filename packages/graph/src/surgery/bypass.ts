import type { Coupling } from '../coupling/groups.js';
import type { DepthUnit } from '../depth/depth-units.js';
import { type Constant, type Graph, type GraphNode, withoutDeadNodes } from '../graph.js';

/**
 * The graph without some depth units: values are read in the place of others, and what nothing reads any more goes.
 *
 * Parameters that belong to no removed unit stay in the graph although nothing may read them, e.g. a time embedding
 * without any layer that is conditioned on it: the model's class still has them.
 *
 * @param graph  the coupling's, or one that has lost channels since
 */
export function bypassUnits(coupling: Coupling, graph: Graph, units: readonly DepthUnit[]): Graph {
  const renamed = renamesOf(units);
  const resolve = (value: string): string => {
    let found = value;
    for (let next = renamed.get(found); next !== undefined; next = renamed.get(found)) found = next;
    return found;
  };
  const nodes: GraphNode[] = graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(resolve) }));
  const outputs = graph.outputs.flatMap(({ name }) => (renamed.has(name) ? [name] : []));
  const bypassed = new Set(outputs);
  // An output keeps its name: what made it goes, and what stands for it is handed on under that name.
  const kept = nodes.filter((node) => !node.outputs.some((output) => bypassed.has(output)));
  for (const name of outputs) kept.push(identity(resolve(name), name));
  const cut = withoutDeadNodes({ ...graph, nodes: kept });
  return { ...cut, constants: withOthersParameters(coupling, graph, cut, units) };
}

/** Of two ways to leave one layer out, handing on the input without the skip leaves out more. */
function renamesOf(units: readonly DepthUnit[]): Map<string, string> {
  const renamed = new Map<string, string>();
  for (const { bypasses, treatment } of units) {
    for (const { value, by } of bypasses) if (treatment === 'pass' || !renamed.has(value)) renamed.set(value, by);
  }
  return renamed;
}

function identity(from: string, to: string): GraphNode {
  return { name: `${to}/passed`, op: 'Identity', domain: '', inputs: [from], outputs: [to], attributes: {}, scope: '' };
}

function withOthersParameters(
  coupling: Coupling,
  before: Graph,
  after: Graph,
  removed: readonly DepthUnit[],
): Map<string, Constant> {
  const gone = new Set<string>();
  const layers = new Set(removed.flatMap((unit) => unit.layers));
  for (const unit of coupling.depth) {
    // A block all of whose layers went is gone, too, with what its layers shared.
    const isGone = removed.includes(unit) || (unit.kind === 'block' && unit.layers.every((id) => layers.has(id)));
    if (isGone) for (const { value } of unit.slices) gone.add(value);
  }
  const constants = new Map<string, Constant>();
  for (const [name, constant] of before.constants) {
    if (after.constants.has(name) || (constant.parameter && !gone.has(name))) constants.set(name, constant);
  }
  return constants;
}
