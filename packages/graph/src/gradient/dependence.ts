import type { Graph, GraphNode } from '../graph.js';
import { recordOf } from '../infer.js';
import type { OpSet, ValueType } from '../op-record.js';
import { isFloat } from '../tensor.js';

/** Which part of a graph a backward pass walks. */
export interface Dependence {
  /** Nodes between the wanted values and the output, in the graph's order. */
  readonly nodes: readonly GraphNode[];
  /** Values through which the output depends on a wanted value, those at both ends included. */
  readonly values: ReadonlySet<string>;
}

/**
 * What lies between `wrt` and `output`. Everything else is constant to the derivative: a timestep embedding without
 * weights upstream, shape arithmetic, comparisons.
 */
export function dependenceOf(
  graph: Graph,
  types: ReadonlyMap<string, ValueType>,
  ops: OpSet,
  output: string,
  wrt: readonly string[],
): Dependence {
  const reached = new Set(wrt);
  const hasGradient = (node: GraphNode): boolean => recordOf(ops, node).gradient !== 'none';
  for (const node of graph.nodes) {
    if (!node.inputs.some((input) => reached.has(input)) || !hasGradient(node)) continue;
    for (const value of node.outputs) if (value && isFloat(types.get(value)!.dtype)) reached.add(value);
  }
  const values = new Set(reached.has(output) ? [output] : []);
  const nodes: GraphNode[] = [];
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i];
    if (!node.outputs.some((value) => values.has(value)) || !hasGradient(node)) continue;
    const between = node.inputs.filter((input) => reached.has(input));
    if (between.length === 0) continue;
    nodes.push(node);
    for (const input of between) values.add(input);
  }
  return { nodes: nodes.reverse(), values };
}
