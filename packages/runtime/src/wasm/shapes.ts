import {
  type Constant,
  type Graph,
  inferTypes,
  sizeOf,
  type Tensor,
  type ValueType,
  withoutDeadNodes,
} from '@secateur/graph';
import { nameActivations } from './patterns/activations.js';
import { withoutRepeats } from './patterns/common-nodes.js';

/** Constants up to this size are read at once: shapes, axes and scales decide what a graph does. */
const mostElements = 1024;

/** The graph without what no output needs, small constants in memory, `variable` ones as inputs, and activations by their names. */
export async function preparedGraph(graph: Graph, variable: readonly string[]): Promise<Graph> {
  const live = withoutDeadNodes(graph);
  const inputs = [...graph.inputs];
  const constants = new Map(live.constants);
  for (const name of variable) {
    const { dtype, shape } = graph.constants.get(name)!;
    inputs.push({ name, dtype, shape });
    constants.delete(name);
  }
  for (const [name, constant] of constants) {
    if (sizeOf(constant.shape) <= mostElements) constants.set(name, await loaded(constant));
  }
  return withoutRepeats(nameActivations({ ...live, inputs, constants }));
}

async function loaded(constant: Constant): Promise<Constant> {
  return { ...constant, value: constant.value ?? (await constant.read()) };
}

/** Types of all values when the inputs have the shapes of these feeds. @throws {SecateurError} SHAPE_MISMATCH */
export function typesFor(graph: Graph, feeds: Readonly<Record<string, Tensor>>): Map<string, ValueType> {
  const inputs = new Map<string, ValueType>();
  for (const { name, dtype } of graph.inputs) inputs.set(name, { dtype, shape: feeds[name]!.shape });
  return inferTypes(graph, { inputs });
}

/** Feeds of one key take one plan. */
export function shapeKey(graph: Graph, feeds: Readonly<Record<string, Tensor>>): string {
  return graph.inputs.map(({ name }) => feeds[name]!.shape.join('x')).join(' ');
}
