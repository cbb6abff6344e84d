import type { Graph } from '@secateur/graph';

/** A maker of names that no value or node of the graph has: `base`, or `base_1`, `base_2`, … */
export function uniqueNames(graph: Graph): (base: string) => string {
  const taken = new Set<string>([...graph.constants.keys(), ...graph.inputs.map((input) => input.name)]);
  for (const node of graph.nodes) {
    taken.add(node.name);
    for (const output of node.outputs) taken.add(output);
  }
  return (base) => {
    let name = base;
    for (let i = 1; taken.has(name); i++) name = `${base}_${i}`;
    taken.add(name);
    return name;
  };
}
