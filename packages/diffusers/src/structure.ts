import { toRanges } from '@secateur/core';
import { type Constant, type Graph, type GraphNode, getInt, scatterNode, toFloat32, toNumbers } from '@secateur/graph';
import { headsNode, scaleNode } from './layers/attention.js';
import type { ComputedOutputs, Overrides } from './overrides.js';

/** What a graph made here has beyond the shapes of its tensors, by module path. */
export interface Structure {
  readonly heads: Readonly<Record<string, number>>;
  readonly scale: Readonly<Record<string, number>>;
  readonly normGroups: Readonly<Record<string, number>>;
  readonly outputs: Readonly<Record<string, ComputedOutputs>>;
}

/** Reads heads, scales and norm groups off the nodes, which keep their names when a model is pruned. */
export function structureOf(graph: Graph): Structure {
  const heads: Record<string, number> = {};
  const scale: Record<string, number> = {};
  const normGroups: Record<string, number> = {};
  const outputs: Record<string, ComputedOutputs> = {};
  for (const node of graph.nodes) {
    if (node.op === 'GroupNormalization') normGroups[node.scope] = getInt(node, 'num_groups', 1);
    else if (node.op === 'Reshape' && node.name.endsWith(`/${headsNode}`)) {
      const shape = constantBehind(graph, node, 1)?.value;
      if (shape) heads[node.scope] = toNumbers(shape)[2]!;
    } else if (node.op === 'Mul' && node.name.endsWith(`/${scaleNode}`)) {
      const factor = constantBehind(graph, node, 1)?.value;
      if (factor) scale[node.scope] = toFloat32(factor)[0]!;
    } else if (node.op === 'Gather' && node.name.endsWith(`/${scatterNode}`)) {
      const picks = constantBehind(graph, node, 1)?.value;
      if (picks) outputs[node.scope] = computedOutputs(toNumbers(picks));
    }
  }
  return { heads, scale, normGroups, outputs };
}

/** What is picked where: the highest number is the column of zeros. */
function computedOutputs(picks: readonly number[]): ComputedOutputs {
  const zero = Math.max(...picks);
  const kept = toRanges(picks.flatMap((pick, output) => (pick === zero ? [] : [output])));
  return { width: picks.length, kept };
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
    ...removedModules(graph, configured),
    ...(Object.keys(own.outputs).length > 0 ? { outputs: own.outputs } : {}),
  };
}

function differing(
  own: Readonly<Record<string, number>>,
  expected: Readonly<Record<string, number>>,
): Record<string, number> {
  return Object.fromEntries(Object.entries(own).filter(([path, value]) => value !== expected[path]));
}

/**
 * Removable modules of which `graph` has nothing but what they keep; those that have not even that are `passed`. What lies
 * in a removed module is not listed again.
 */
function removedModules(
  graph: Graph,
  { graph: configured, removable }: Outline,
): Pick<Overrides, 'removed' | 'passed'> {
  const present = shapesOf(graph);
  const names = [...shapesOf(configured).keys()];
  const absent = removable.flatMap(({ path, keeps }) => {
    const inside = names.filter((name) => name.startsWith(`${path}.`));
    const isKept = (name: string) => keeps.some((keep) => name.startsWith(`${path}.${keep}`));
    const [own, kept] = [inside.filter((name) => !isKept(name)), inside.filter(isKept)];
    if (own.length === 0 || own.some((name) => present.has(name))) return [];
    return [{ path, isPassed: kept.length > 0 && kept.every((name) => !present.has(name)) }];
  });
  const outermost = absent.filter(({ path }) => !absent.some((outer) => path.startsWith(`${outer.path}.`)));
  const passed = outermost.flatMap(({ path, isPassed }) => (isPassed ? [path] : []));
  return { removed: outermost.map(({ path }) => path), ...(passed.length > 0 ? { passed } : {}) };
}

/** Shapes of a graph's checkpoint tensors, by checkpoint name. */
export function shapesOf(graph: Graph): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  for (const { parameter, shape } of graph.constants.values()) if (parameter) shapes.set(parameter.name, shape);
  return shapes;
}
