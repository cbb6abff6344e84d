import { type Graph, SecateurError } from '@secateur/graph';
import { isEmptyOverrides } from './overrides.js';
import { sameNetwork } from './same-network.js';
import { type Outline, overridesOf, shapesOf } from './structure.js';

export type Json = Readonly<Record<string, unknown>>;

/** Shapes of checkpoint tensors, by name. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

/** What of a class it takes to find a configuration that says a cut. */
export interface ExpressibleOptions {
  /** What a configuration calls for. @throws {SecateurError} BAD_CONFIG */
  outline(config: Json): Outline;
  /** The fields that could differ, read off the graph's tensors. */
  changedFields(): Json;
  /** Whether a configuration with these fields changed computes the same function where the shapes are the same. */
  sameFunction(candidate: Json): boolean;
  /** A tensor's name as the newest checkpoints have it. Default: as it is. */
  newName?(name: string): string;
}

/** A configuration that says what a pruned model is. */
export interface Expressed {
  readonly config: Json;
  /** New names of tensors, by old name, where the configuration numbers layers in another way; others keep theirs. */
  readonly names: ReadonlyMap<string, string>;
}

/**
 * A configuration that has exactly the layers, widths, heads, scales and norm groups of `graph`, if there is one: then stock
 * diffusers loads the pruned model. The one the model came with, when nothing changed.
 *
 * Where whole layers went, names do not tell whether a configuration means the same: skips may be paired with other layers.
 * So the network that it calls for is compared operator by operator, which says what every tensor is called in it, too.
 *
 * @param json  the configuration of the model before it was pruned
 */
export function expressedBy(json: Json, graph: Graph, options: ExpressibleOptions): Expressed | undefined {
  const outline = outlineOf(json, options);
  if (outline && hasSameTensors(outline, graph, options)) return { config: json, names: new Map() };
  const config = { ...json, ...options.changedFields() };
  const candidate = outlineOf(config, options);
  if (!candidate || !options.sameFunction(config)) return undefined;
  const lostLayers = outline !== undefined && overridesOf(graph, outline).removed!.length > 0;
  if (!lostLayers) return hasSameTensors(candidate, graph, options) ? { config, names: new Map() } : undefined;
  const names = sameNetwork(graph, candidate.graph);
  return names && { config, names: new Map([...names].filter(([old, now]) => old !== now)) };
}

function outlineOf(json: Json, { outline }: ExpressibleOptions): Outline | undefined {
  try {
    return outline(json);
  } catch (error) {
    if (error instanceof SecateurError && error.code === 'BAD_CONFIG') return undefined;
    throw error;
  }
}

function hasSameTensors(expected: Outline, graph: Graph, { newName = (name) => name }: ExpressibleOptions): boolean {
  const own = new Map([...shapesOf(graph)].map(([name, shape]) => [newName(name), shape]));
  const shapes = shapesOf(expected.graph);
  if (own.size !== shapes.size) return false;
  for (const [name, shape] of shapes) if (own.get(name)?.join() !== shape.join()) return false;
  return isEmptyOverrides(overridesOf(graph, expected));
}
