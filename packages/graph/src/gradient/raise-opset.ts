import { type Attribute, constantOf, type Graph, type GraphNode, getInt, getInts, int } from '../graph.js';
import { inferTypes } from '../infer.js';
import type { OpSet, ValueType } from '../op-record.js';
import { int64 } from '../tensor.js';

/** The oldest operator set whose forms backward nodes are written in. */
const minOpset = 13;

/** Attributes that are inputs since operator set 13, by operator. */
const toInputs: ReadonlyMap<string, string> = new Map([
  ['Squeeze', 'axes'],
  ['Unsqueeze', 'axes'],
  ['ReduceSum', 'axes'],
  ['Split', 'split'],
]);

/**
 * A graph of operator set 11 or 12 in the forms of 13; newer ones as they are. Squeeze, Unsqueeze, ReduceSum and Split read
 * their axes and sizes from an input, and a Softmax over several axes works on rows, between a Flatten and a Reshape.
 */
export function raiseOpset(graph: Graph, ops: OpSet): Graph {
  if (graph.opset >= minOpset) return graph;
  const types = inferTypes(graph, { ops });
  const constants = new Map(graph.constants);
  const unique = uniqueIn(types);
  const nodes = graph.nodes.flatMap((node) => {
    if (node.domain !== '') return [node];
    if (node.op === 'Softmax' || node.op === 'LogSoftmax') return softmaxRows(node, types, unique);
    const attribute = toInputs.get(node.op);
    const values = attribute === undefined ? undefined : getInts(node, attribute);
    if (attribute === undefined || !values) return [node];
    const name = unique(`${node.outputs[0]}/${attribute}`);
    constants.set(name, constantOf(int64(values)));
    const { [attribute]: _, ...attributes } = node.attributes;
    return [{ ...node, inputs: [node.inputs[0], name], attributes }];
  });
  return { ...graph, opset: minOpset, nodes, constants };
}

function softmaxRows(
  node: GraphNode,
  types: ReadonlyMap<string, ValueType>,
  unique: (base: string) => string,
): GraphNode[] {
  const [x] = node.inputs;
  const rank = types.get(x)!.shape.length;
  const axis = (getInt(node, 'axis', 1) + rank) % rank;
  if (axis === rank - 1) return [{ ...node, attributes: { ...node.attributes, axis: int(-1) } }];
  const part = (op: string, inputs: string[], attributes: Record<string, Attribute>, output?: string): GraphNode => {
    const name = unique(`${node.outputs[0]}/${op}`);
    return { ...node, name, op, inputs, attributes, outputs: [output ?? name] };
  };
  const shape = part('Shape', [x], {});
  const rows = part('Flatten', [x], { axis: int(axis) });
  const result = part(node.op, [rows.outputs[0]], { axis: int(-1) });
  return [shape, rows, result, part('Reshape', [result.outputs[0], shape.outputs[0]], {}, node.outputs[0])];
}

function uniqueIn(types: ReadonlyMap<string, unknown>): (base: string) => string {
  const taken = new Set(types.keys());
  return (base) => {
    let name = base;
    for (let i = 1; taken.has(name); i++) name = `${base}_${i}`;
    taken.add(name);
    return name;
  };
}
