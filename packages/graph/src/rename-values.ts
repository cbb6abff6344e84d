import { SecateurError } from './errors.js';
import type { Graph, ValueInfo } from './graph.js';

/**
 * The graph with other names for some of its values, mostly inputs and outputs: exporters have names of their own.
 *
 * @param names  new names by old; a name that is no value of the graph is passed over
 * @throws {SecateurError} NAME_CLASH when a new name is that of another value
 */
export function renameValues(graph: Graph, names: Readonly<Record<string, string>>): Graph {
  const renamed = (name: string) => (Object.hasOwn(names, name) ? names[name]! : name);
  const before = valueNames(graph);
  const after = new Set<string>();
  for (const name of before) {
    if (after.has(renamed(name))) {
      throw new SecateurError('NAME_CLASH', `${graph.name} cannot call "${name}" ${JSON.stringify(renamed(name))}.`, {
        field: name,
        hint: 'Another value has that name.',
      });
    }
    after.add(renamed(name));
  }
  const info = (value: ValueInfo): ValueInfo => ({ ...value, name: renamed(value.name) });
  return {
    ...graph,
    inputs: graph.inputs.map(info),
    outputs: graph.outputs.map(info),
    nodes: graph.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(renamed),
      outputs: node.outputs.map(renamed),
    })),
    constants: new Map([...graph.constants].map(([name, constant]) => [renamed(name), constant])),
  };
}

function valueNames({ inputs, nodes, constants }: Graph): Set<string> {
  const made = nodes.flatMap((node) => node.outputs.filter((name) => name !== ''));
  return new Set([...inputs.map(({ name }) => name), ...constants.keys(), ...made]);
}
