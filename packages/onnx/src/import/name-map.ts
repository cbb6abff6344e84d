import type { Graph } from '@secateur/graph';

/** How a constant of the graph and a tensor of the checkpoint correspond. */
export interface NameMapEntry {
  /** The constant's name in the graph. */
  readonly value: string;
  /** The checkpoint's name. */
  readonly parameter: string;
  /** For every axis of the constant the checkpoint's axis, `null` for an inserted axis of size 1. */
  readonly axes: readonly (number | null)[];
}

/** All parameters and buffers of the graph by both of their names, in the graph's order. */
export function nameMap(graph: Graph): NameMapEntry[] {
  const entries: NameMapEntry[] = [];
  for (const [value, { parameter }] of graph.constants) {
    if (parameter) entries.push({ value, parameter: parameter.name, axes: parameter.axes });
  }
  return entries;
}
