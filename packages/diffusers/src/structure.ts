import { type Constant, type Graph, type GraphNode, getInt, toFloat32, toNumbers } from '@secateur/graph';
import { headsNode, scaleNode } from './layers/attention.js';
import type { Overrides } from './overrides.js';

/** What a graph made here has beyond the shapes of its tensors, by module path. */
export interface Structure {
  readonly heads: Readonly<Record<string, number>>;
  readonly scale: Readonly<Record<string, number>>;
  readonly normGroups: Readonly<Record<string, number>>;
}

/** Reads heads, scales and norm groups off the nodes, which keep their names when a model is pruned. */
export function structureOf(graph: Graph): Structure {
  const heads: Record<string, number> = {};
  const scale: Record<string, number> = {};
  const normGroups: Record<string, number> = {};
  for (const node of graph.nodes) {
    if (node.op === 'GroupNormalization') normGroups[node.scope] = getInt(node, 'num_groups', 1);
    else if (node.op === 'Reshape' && node.name.endsWith(`/${headsNode}`)) {
      const shape = constantBehind(graph, node, 1)?.value;
      if (shape) heads[node.scope] = toNumbers(shape)[2]!;
    } else if (node.op === 'Mul' && node.name.endsWith(`/${scaleNode}`)) {
      const factor = constantBehind(graph, node, 1)?.value;
      if (factor) scale[node.scope] = toFloat32(factor)[0]!;
    }
  }
  return { heads, scale, normGroups };
}

function constantBehind(graph: Graph, node: GraphNode, input: number): Constant | undefined {
  return graph.constants.get(node.inputs[input]!);
}

/** What a configuration alone calls for. */
export interface Outline {
  readonly graph: Graph;
  /** Modules that can be removed. */
  readonly removable: readonly RemovableModule[];
}

/** A module that may be missing from a pruned model. */
export interface RemovableModule {
  /** E.g. `mid_block.attentions.0`. */
  readonly path: string;
  /** Beginnings of names of its tensors, below `path`, that stay when it is removed, e.g. `conv_shortcut.`. */
  readonly keeps: readonly string[];
}

/**
 * What must be said of `graph` beside its configuration and its tensors' shapes.
 *
 * @param configured  what the configuration alone calls for
 */
export function overridesOf(graph: Graph, configured: Outline): Overrides {
  const [own, expected] = [structureOf(graph), structureOf(configured.graph)];
  return {
    heads: differing(own.heads, expected.heads),
    scale: differing(own.scale, expected.scale),
    normGroups: differing(own.normGroups, expected.normGroups),
    removed: removedModules(graph, configured),
  };
}

function differing(
  own: Readonly<Record<string, number>>,
  expected: Readonly<Record<string, number>>,
): Record<string, number> {
  return Object.fromEntries(Object.entries(own).filter(([path, value]) => value !== expected[path]));
}

/** Removable modules of which `graph` has nothing but what they keep. What lies in a removed module is not listed again. */
function removedModules(graph: Graph, { graph: configured, removable }: Outline): string[] {
  const present = shapesOf(graph);
  const names = [...shapesOf(configured).keys()];
  const absent = removable.filter(({ path, keeps }) => {
    const own = names.filter(
      (name) => name.startsWith(`${path}.`) && !keeps.some((keep) => name.startsWith(`${path}.${keep}`)),
    );
    return own.length > 0 && own.every((name) => !present.has(name));
  });
  return absent.map(({ path }) => path).filter((path) => !absent.some((outer) => path.startsWith(`${outer.path}.`)));
}

/** Shapes of a graph's checkpoint tensors, by checkpoint name. */
export function shapesOf(graph: Graph): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  for (const { parameter, shape } of graph.constants.values()) if (parameter) shapes.set(parameter.name, shape);
  return shapes;
}
