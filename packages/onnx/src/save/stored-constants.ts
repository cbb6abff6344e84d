import type { Attribute, Constant, Graph, GraphNode } from '@secateur/graph';
import { uniqueNames } from '../unique-names.js';

/** A constant in the form in which a file stores it, and the operator that brings it to the form the graph reads. */
export interface StoredConstant {
  readonly constant: Constant;
  readonly op: 'Transpose' | 'Cast';
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/**
 * Replaces constants by what a file stores of them. Every value keeps its name: it is now made by a node, from an
 * initialiser named as the checkpoint tensor where that name is free. Runtimes do the work once, while loading.
 */
export function withStoredConstants(
  graph: Graph,
  store: (name: string, constant: Constant) => StoredConstant | undefined,
): Graph {
  const unique = uniqueNames(graph);
  const constants = new Map<string, Constant>();
  const nodes: GraphNode[] = [];
  for (const [name, constant] of graph.constants) {
    const stored = store(name, constant);
    if (!stored) {
      constants.set(name, constant);
      continue;
    }
    const initializer = unique(constant.parameter?.name ?? name);
    constants.set(initializer, stored.constant);
    nodes.push({
      name: unique(`${initializer}/${stored.op}`),
      op: stored.op,
      domain: '',
      inputs: [initializer],
      outputs: [name],
      attributes: stored.attributes,
      scope: '',
    });
  }
  return nodes.length === 0 ? graph : { ...graph, nodes: [...nodes, ...graph.nodes], constants };
}
