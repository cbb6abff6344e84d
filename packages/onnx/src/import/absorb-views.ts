import {
  type Constant,
  type Graph,
  type GraphNode,
  getInts,
  inferTypes,
  isSymbolic,
  type OpSet,
  unknownOps,
  type ValueType,
} from '@secateur/graph';
import { reshaped, transposed } from '../views.js';

/** Operators that only rearrange a weight. */
const VIEWS = new Set(['Transpose', 'Reshape', 'Unsqueeze', 'Squeeze', 'Identity', 'Flatten']);

/**
 * Turns `Transpose`, and reshapes that only add or drop axes of size 1, of a parameter into a parameter of the rearranged
 * shape that knows its checkpoint axes. Newer exporters write such nodes before every `MatMul`; so does `saveOnnx` when a
 * model points into a checkpoint.
 */
export function absorbViews(graph: Graph, ops?: OpSet): Graph {
  if (!graph.nodes.some((node) => isView(node, graph.constants))) return graph;
  const types = unknownOps(graph, ops).length > 0 ? undefined : inferTypes(graph, ops ? { ops } : {});
  const constants = new Map(graph.constants);
  const outputs = new Set(graph.outputs.map((output) => output.name));
  const nodes = graph.nodes.filter((node) => {
    if (!isView(node, constants) || outputs.has(node.outputs[0]!)) return true;
    const view = viewOf(node, constants.get(node.inputs[0]!)!, types?.get(node.outputs[0]!));
    if (!view) return true;
    constants.set(node.outputs[0]!, view);
    return false;
  });
  return withoutUnread({ ...graph, nodes, constants }, graph);
}

function isView(node: GraphNode, constants: ReadonlyMap<string, Constant>): boolean {
  return node.domain === '' && VIEWS.has(node.op) && constants.get(node.inputs[0] ?? '')?.parameter !== undefined;
}

function viewOf(node: GraphNode, constant: Constant, type: ValueType | undefined): Constant | undefined {
  if (node.op === 'Identity') return constant;
  if (node.op === 'Transpose') {
    const reversed = constant.shape.map((_, axis) => constant.shape.length - 1 - axis);
    return transposed(constant, getInts(node, 'perm') ?? reversed);
  }
  if (!type || type.shape.some(isSymbolic)) return undefined;
  const shape = type.shape as number[];
  const axes = insertedAxes(constant, shape);
  return axes && reshaped(constant, shape, axes);
}

/**
 * For every axis of `shape` the axis of the constant it is, `null` where it is an inserted 1. `undefined` when sizes other
 * than 1 move, or when an axis of size 1 that the checkpoint has would be lost.
 */
function insertedAxes(constant: Constant, shape: readonly number[]): (number | null)[] | undefined {
  const old = constant.shape;
  const axes: (number | null)[] = [];
  let next = 0;
  const skipInserted = (): void => {
    while (next < old.length && constant.parameter!.axes[next] === null) next++;
  };
  skipInserted();
  for (const size of shape) {
    if (next < old.length && old[next] === size) {
      axes.push(next++);
      skipInserted();
    } else if (size === 1) axes.push(null);
    else return undefined;
  }
  return next === old.length ? axes : undefined;
}

/** Drops constants that were read before and are not any more. */
function withoutUnread(graph: Graph, before: Graph): Graph {
  const read = new Set(graph.nodes.flatMap((node) => node.inputs));
  const wasRead = new Set(before.nodes.flatMap((node) => node.inputs));
  for (const output of graph.outputs) read.add(output.name);
  const constants = new Map([...graph.constants].filter(([name]) => read.has(name) || !wasRead.has(name)));
  return { ...graph, constants };
}
