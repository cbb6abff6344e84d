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

/**
 * What must be said of `graph` beside its configuration and its tensors' shapes.
 *
 * @param configured  the graph that the configuration alone calls for
 */
export function overridesOf(graph: Graph, configured: Graph): Overrides {
  const [own, expected] = [structureOf(graph), structureOf(configured)];
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

/**
 * Modules of `configured` that can be removed and of which `graph` has nothing, or only the shortcut: residual blocks,
 * attentions, transformer blocks and the three layers of those. What lies in a removed module is not listed again.
 */
function removedModules(graph: Graph, configured: Graph): string[] {
  const present = modulesOf(graph);
  const absent = [...modulesOf(configured)].filter((path) => !present.has(path));
  return absent.filter((path) => !absent.some((outer) => path.startsWith(`${outer}.`)));
}

const removable = [
  /\b(?:resnets|attentions|transformer_blocks)\.\d+\./g,
  /(?<=\btransformer_blocks\.\d+\.)(?:attn1|attn2|ff)\./g,
];

function modulesOf(graph: Graph): Set<string> {
  const modules = new Set<string>();
  for (const { parameter } of graph.constants.values()) {
    if (!parameter || parameter.name.includes('.conv_shortcut.')) continue;
    const { name } = parameter;
    for (const pattern of removable) {
      for (const found of name.matchAll(pattern)) modules.add(name.slice(0, found.index + found[0].length - 1));
    }
  }
  return modules;
}

/** Shapes of a graph's checkpoint tensors, by checkpoint name. */
export function shapesOf(graph: Graph): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  for (const { parameter, shape } of graph.constants.values()) if (parameter) shapes.set(parameter.name, shape);
  return shapes;
}
