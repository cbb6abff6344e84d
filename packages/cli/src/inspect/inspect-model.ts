import { costOf, depthCosts, type Model, matches } from '@secateur/core';
import {
  type Coupling,
  countMacs,
  coupleKnown,
  type Dim,
  dimText,
  type Group,
  knownPart,
  sizeOf,
  type UnknownOp,
  unknownOps,
  type ValueInfo,
  type ValueType,
} from '@secateur/graph';

/** What a group's units take of one tensor. */
export interface InspectedSlice {
  readonly tensor: string;
  readonly axis: number;
  readonly role: string;
  /** Indices that each unit takes. */
  readonly perUnit: number;
}

export interface InspectedGroup {
  readonly id: string;
  readonly kind: string;
  /** Number of units. */
  readonly size: number;
  readonly slices: readonly InspectedSlice[];
}

export interface InspectedLayer {
  readonly id: string;
  readonly kind: string;
  readonly treatment: string;
  readonly parameters: number;
  readonly macs: number;
  readonly modules: readonly string[];
}

export interface InspectedModule {
  readonly name: string;
  readonly parameters: number;
  readonly macs: number;
}

interface InspectedValue {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly (number | string)[];
}

/** What `secateur inspect --json` prints. */
export interface Inspection {
  readonly name: string;
  readonly format: string;
  readonly className?: string;
  readonly parameters: number;
  /** Multiply-adds of convolutions and linears for one sample, biases not counted. */
  readonly macs: number;
  /** Multiply-adds of attention products. */
  readonly attentionMacs: number;
  readonly bytes: number;
  readonly sizes: Readonly<Record<string, number>>;
  readonly inputs: readonly InspectedValue[];
  readonly outputs: readonly InspectedValue[];
  readonly modules: readonly InspectedModule[];
  readonly groups: readonly InspectedGroup[];
  /** Outputs of linears that modulate, which can become zeros that are not computed. */
  readonly modulations: readonly InspectedGroup[];
  /** Layers, blocks, pairs and the innermost stage, which can be left out as a whole, with what that saves. */
  readonly depth: readonly InspectedLayer[];
  readonly notPruned: readonly { readonly tensor: string; readonly axis: number | null; readonly reason: string }[];
  /** Share of parameters that lie in some unit. */
  readonly coverage: number;
  /** Operators that are not known: groups, and MACs of what depends on them, are missing. */
  readonly unknownOps: readonly UnknownOp[];
}

/**
 * Looks at a model without reading a weight.
 * @param options.match  only groups with a tensor of that name; `*` stands for any characters
 */
export function inspectModel(model: Model, options: { match?: string } = {}): Inspection {
  const { graph } = model;
  const coupling = coupleKnown(graph);
  const { types } = coupling.flow;
  const { match } = options;
  const isMatched = ({ slices }: Group): boolean =>
    match === undefined || slices.some(({ tensor }) => matches(match, tensor));
  const groups = coupling.groups.filter(isMatched);
  return {
    name: model.name,
    format: model.format,
    className: model.className,
    ...costOf(model, { types }),
    sizes: model.sizes,
    inputs: graph.inputs.map(describeValue),
    outputs: graph.outputs.map(describeValue),
    modules: modulesOf(model, types),
    groups: groups.map(describeGroup),
    modulations: coupling.modulations.filter(isMatched).map(describeGroup),
    depth: layersOf(model, coupling, isMatched),
    notPruned: coupling.notPruned.map(({ tensor, axis, reason }) => ({ tensor, axis, reason })),
    coverage: coupling.parameters === 0 ? 1 : coupling.covered / coupling.parameters,
    unknownOps: unknownOps(graph),
  };
}

function layersOf(model: Model, coupling: Coupling, isMatched: (group: Group) => boolean): InspectedLayer[] {
  const costs = depthCosts(model, coupling);
  return coupling.depth.filter(isMatched).map(({ id, kind, treatment, parameters, modules }) => {
    return { id, kind, treatment, parameters, macs: costs.get(id)!.macs, modules };
  });
}

function describeGroup({ id, kind, size, slices }: Group): InspectedGroup {
  return { id, kind, size, slices: slices.map(({ tensor, axis, role, perUnit }) => ({ tensor, axis, role, perUnit })) };
}

function describeValue({ name, dtype, shape }: ValueInfo): InspectedValue {
  return { name, dtype, shape: shape.map((dim: Dim) => (typeof dim === 'number' ? dim : dimText(dim))) };
}

/** Parameters and MACs by module, in the order of the graph; names are cut after a block's number. */
function modulesOf(model: Model, types: ReadonlyMap<string, ValueType>): InspectedModule[] {
  const totals = new Map<string, { parameters: number; macs: number }>();
  const at = (path: string) => {
    const name = moduleOf(path);
    let total = totals.get(name);
    if (!total) totals.set(name, (total = { parameters: 0, macs: 0 }));
    return total;
  };
  for (const { parameter, shape } of model.graph.constants.values()) {
    if (parameter && !parameter.buffer) at(parameter.name).parameters += sizeOf(shape);
  }
  const { byScope } = countMacs(knownPart(model.graph), { symbols: { ...model.sizes, batch: 1 }, types });
  for (const [scope, { weights }] of byScope) at(`${scope}.`).macs += weights;
  return [...totals].map(([name, total]) => ({ name, ...total }));
}

/** `down_blocks.1.resnets.0.conv1.weight` → `down_blocks.1`; `conv_in.weight` → `conv_in`. */
function moduleOf(path: string): string {
  const parts = path.split('.');
  return /^\d+$/.test(parts[1] ?? '') ? parts.slice(0, 2).join('.') : (parts[0] ?? path);
}
