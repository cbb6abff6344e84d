import { type Graph, SecateurError } from '@secateur/graph';
import { isEmptyOverrides } from './overrides.js';
import { type Outline, overridesOf, shapesOf } from './structure.js';

export type Json = Readonly<Record<string, unknown>>;

/** Shapes of checkpoint tensors, by name. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

/** What of a class it takes to find a configuration that says a cut. */
export interface ExpressibleOptions {
  /** What a configuration calls for. @throws {SecateurError} BAD_CONFIG */
  outline(config: Json): Outline;
  /** The fields that could differ, read off the tensors' shapes. */
  changedFields(shapes: Shapes): Json;
  /** Whether a configuration with these fields changed computes the same function where the shapes are the same. */
  sameFunction(candidate: Json): boolean;
  /** A tensor's name as the newest checkpoints have it. Default: as it is. */
  newName?(name: string): string;
}

/**
 * A configuration that has exactly the widths, heads, scales and norm groups of `graph`, if there is one: then stock
 * diffusers loads the pruned model. The one the model came with, when nothing changed.
 *
 * @param json  the configuration of the model before it was pruned
 */
export function expressibleConfig(json: Json, graph: Graph, options: ExpressibleOptions): Json | undefined {
  if (expresses(json, graph, options)) return json;
  const candidate = { ...json, ...options.changedFields(shapesOf(graph)) };
  return expresses(candidate, graph, options) && options.sameFunction(candidate) ? candidate : undefined;
}

function expresses(json: Json, graph: Graph, { outline, newName = (name) => name }: ExpressibleOptions): boolean {
  let expected: Outline;
  try {
    expected = outline(json);
  } catch (error) {
    if (error instanceof SecateurError && error.code === 'BAD_CONFIG') return false;
    throw error;
  }
  const own = new Map([...shapesOf(graph)].map(([name, shape]) => [newName(name), shape]));
  const shapes = shapesOf(expected.graph);
  if (own.size !== shapes.size) return false;
  for (const [name, shape] of shapes) if (own.get(name)?.join() !== shape.join()) return false;
  return isEmptyOverrides(overridesOf(graph, expected));
}
