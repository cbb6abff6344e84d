import { SecateurError } from './errors.js';
import { type Graph, type GraphNode, withoutDeadNodes } from './graph.js';
import { recordOf } from './infer.js';
import type { OpSet } from './op-record.js';
import { defaultOps } from './ops/index.js';
import { castTensor, isFloat, type Tensor } from './tensor.js';

export interface EvaluateOptions {
  /** Operators known. Default: {@link defaultOps}. */
  ops?: OpSet;
  /** Values wanted, outputs or not. Default: the graph's outputs. */
  outputs?: readonly string[];
}

/**
 * Runs the graph in plain JavaScript: slow, without dependencies, and independent of any engine. The reference that
 * engines and gradients are checked against.
 *
 * Computes in float32; in float64 throughout as soon as one feed or constant is float64 (central differences need it).
 * float16 and bfloat16 are widened to float32, results included.
 *
 * @throws {SecateurError} BAD_OPTION when a feed is missing; UNKNOWN_OP; BAD_DATA when a constant's values are not in
 * memory
 */
export function evaluateGraph(
  graph: Graph,
  feeds: Readonly<Record<string, Tensor>>,
  options: EvaluateOptions = {},
): Record<string, Tensor> {
  const ops = options.ops ?? defaultOps;
  const wanted = options.outputs ?? graph.outputs.map((output) => output.name);
  const live = withoutDeadNodes({ ...graph, outputs: wanted.map((name) => ({ name, dtype: 'float32', shape: [] })) });
  const widen = widener(live, feeds);
  const values = new Map<string, Tensor>();
  for (const [name, constant] of live.constants) {
    if (feeds[name]) continue;
    if (!constant.value) {
      throw new SecateurError('BAD_DATA', `Values of constant "${name}" are not in memory.`, {
        field: name,
        hint: 'Read the constants first, or run the graph with an engine.',
      });
    }
    values.set(name, widen(constant.value));
  }
  for (const [name, feed] of Object.entries(feeds)) values.set(name, widen(feed));
  const lastUse = lastUses(live.nodes);
  for (const node of live.nodes) {
    const outputs = evaluateNode(
      ops,
      node,
      graph.opset,
      node.inputs.map((name) => read(values, node, name)),
    );
    node.outputs.forEach((name, k) => {
      if (name && outputs[k]) values.set(name, widen(outputs[k]));
    });
    for (const name of node.inputs) if (lastUse.get(name) === node && !wanted.includes(name)) values.delete(name);
  }
  return Object.fromEntries(wanted.map((name) => [name, read(values, undefined, name)!]));
}

/** Outputs of one node from its inputs, `undefined` standing for optional ones left out. */
export function evaluateNode(
  ops: OpSet,
  node: GraphNode,
  opset: number,
  inputs: readonly (Tensor | undefined)[],
): Tensor[] {
  return recordOf(ops, node).evaluate({
    node,
    opset,
    inputs,
    input(i) {
      const value = inputs[i];
      if (value) return value;
      throw new SecateurError('BAD_FILE', `${node.op} "${node.name}" needs input ${i}, which is left out.`, {
        field: node.name,
      });
    },
  });
}

/** Brings half precision to float32, and everything to float64 if any of it is float64. */
function widener(graph: Graph, feeds: Readonly<Record<string, Tensor>>): (value: Tensor) => Tensor {
  const given = [...Object.values(feeds), ...graph.constants.values()];
  const float = given.some((value) => value.dtype === 'float64') ? 'float64' : 'float32';
  return (value) => (isFloat(value.dtype) ? castTensor(value, float) : value);
}

function lastUses(nodes: readonly GraphNode[]): Map<string, GraphNode> {
  const last = new Map<string, GraphNode>();
  for (const node of nodes) for (const name of node.inputs) last.set(name, node);
  return last;
}

function read(values: ReadonlyMap<string, Tensor>, node: GraphNode | undefined, name: string): Tensor | undefined {
  if (!name) return undefined;
  const value = values.get(name);
  if (value) return value;
  const reader = node ? `${node.op} "${node.name}"` : 'The caller';
  throw new SecateurError('BAD_OPTION', `${reader} needs value "${name}", which is neither fed nor computed.`, {
    field: name,
    hint: `Add "${name}" to the feeds.`,
  });
}
