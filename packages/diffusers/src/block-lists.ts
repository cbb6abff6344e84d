import type { Constant, Graph } from '@secateur/graph';

/**
 * Numbered lists of like blocks, such as `transformer_blocks`, of which a configuration says only how many there are: when
 * one in the middle is removed, those behind it move up.
 */

/** How many blocks of a list have tensors. */
export function countBlocks(names: Iterable<string>, list: string): number {
  return blockNumbers(names, list).length;
}

/** Numbers of a list's blocks that have tensors, ascending. */
function blockNumbers(names: Iterable<string>, list: string): number[] {
  const numbers = new Set<number>();
  for (const name of names) {
    if (!name.startsWith(`${list}.`)) continue;
    const number = /^\d+(?=\.)/.exec(name.slice(list.length + 1));
    if (number) numbers.add(Number(number[0]));
  }
  return [...numbers].sort((a, b) => a - b);
}

/** The graph with the blocks of its lists numbered without gaps, in every name; the graph itself when they are already. */
export function renumberBlocks(graph: Graph, lists: readonly string[]): Graph {
  const names = [...graph.constants.values()].flatMap(({ parameter }) => (parameter ? [parameter.name] : []));
  const moved = new Map<string, string>();
  for (const list of lists) {
    blockNumbers(names, list).forEach((old, now) => {
      if (old !== now) moved.set(`${list}.${old}`, `${list}.${now}`);
    });
  }
  return moved.size === 0 ? graph : renamed(graph, renaming(lists, moved));
}

function renaming(lists: readonly string[], moved: ReadonlyMap<string, string>): (name: string) => string {
  const block = new RegExp(`^(?:${lists.join('|')})\\.\\d+(?=[./]|$)`);
  return (name) => name.replace(block, (found) => moved.get(found) ?? found);
}

function renamed(graph: Graph, rename: (name: string) => string): Graph {
  const constants = new Map<string, Constant>();
  for (const [name, constant] of graph.constants) {
    const { parameter } = constant;
    const moved = parameter ? { ...constant, parameter: { ...parameter, name: rename(parameter.name) } } : constant;
    constants.set(rename(name), moved);
  }
  const nodes = graph.nodes.map((node) => ({
    ...node,
    name: rename(node.name),
    scope: rename(node.scope),
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
  }));
  return { ...graph, constants, nodes };
}
