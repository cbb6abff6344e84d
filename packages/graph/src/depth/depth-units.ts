import type { SlotFlow } from '../coupling/flow.js';
import type { Group, GroupSlice } from '../coupling/groups.js';
import type { Role } from '../coupling/slot-context.js';
import type { Bypass, GraphIndex } from './graph-index.js';
import { Modules } from './modules.js';
import { findPairs } from './pairs.js';
import { findResiduals, type Residual } from './residuals.js';
import { findStage } from './stage.js';

/**
 * Kinds of depth unit.
 * - `layer`: an innermost residual branch: a resnet, an attention, a feed-forward
 * - `block`: a module that computes nothing else than layers beside residual connections: a transformer block, the
 *   attention of a U-Net with all its transformer blocks, a mid block
 * - `pair`: a layer on the way down and the one on the way up that reads its skip, with the attentions behind them
 * - `stage`: the innermost stage of a U-Net, with what leads into it and out of it
 */
export type DepthKind = 'layer' | 'block' | 'pair' | 'stage';

export const depthKinds: readonly DepthKind[] = ['layer', 'block', 'pair', 'stage'];

/**
 * What is left in the place of a removed unit.
 * - `input`: what it was added to
 * - `shortcut`: its shortcut, where the width changes
 * - `pass`: of an input concatenated with a skip the part that is no skip; the shortcut goes as well
 */
export type Treatment = 'input' | 'shortcut' | 'pass';

/**
 * A part of a network that can be left out: as a group of one unit, whose slices are all tensors that go, it is scored
 * and removed through the same interfaces as channels are.
 */
export interface DepthUnit extends Group {
  readonly kind: DepthKind;
  readonly size: 1;
  /** Module path, e.g. `down_blocks.0.resnets.1`; `:pass` is added for that treatment; a pair's two paths stand with `+`. */
  readonly id: string;
  readonly treatment: Treatment;
  /** Paths of the modules that go. */
  readonly modules: readonly string[];
  /** Ids of the innermost layers in it, its own included. */
  readonly layers: readonly string[];
  /** Number of parameters that go, buffers left out. */
  readonly parameters: number;
  /** Positions in `graph.nodes` of the nodes that go, ascending. */
  readonly nodes: Int32Array;
  /** Values of the graph and those that are read in their place. */
  readonly bypasses: readonly { readonly value: string; readonly by: string }[];
}

/** A unit before its tensors are listed. */
export interface Draft {
  readonly id: string;
  readonly kind: DepthKind;
  readonly treatment: Treatment;
  readonly modules: readonly string[];
  readonly residuals: readonly Residual[];
  readonly bypasses: readonly Bypass[];
  /** Value numbers of the parameters that go. */
  readonly parameters: readonly number[];
  readonly nodes: Int32Array;
}

/** All depth units of a graph: layers in its order, then blocks, pairs and the innermost stage. */
export function findDepthUnits(flow: SlotFlow, index: GraphIndex): DepthUnit[] {
  const modules = new Modules(index);
  const residuals = findResiduals(index, flow.types);
  const branches = nameBranches(index, modules, residuals);
  const layers = branches.filter(({ kind }) => kind === 'layer');
  const blocks = [...branches.filter(({ kind }) => kind === 'block'), ...findBlocks(index, modules, branches)];
  const inner = innerLayers(layers);
  const drafts = [
    ...layers,
    ...passing(index, modules, layers),
    ...blocks,
    ...findPairs(index, modules, layers, branches),
    ...findStage(index, modules, flow.types, branches),
  ];
  const make = unitMaker(flow, index, modules, inner);
  const units = drafts.map(make);
  // What would leave nothing is no unit: a network is more than its input.
  const isWhole = (unit: DepthUnit) => layers.length > 1 && unit.layers.length === layers.length;
  return units.filter((unit) => unit.kind === 'layer' || !isWhole(unit));
}

/** Residual branches by name; several Adds of one name are one branch, as the two streams of a joint attention. */
function nameBranches(index: GraphIndex, modules: Modules, residuals: readonly Residual[]): Draft[] {
  const siblings = new Map<string, number>();
  const alone = residuals.flatMap((residual) => {
    const { parameters } = index.deadAfter([residual].map(skip));
    if (parameters.length === 0) return [];
    siblings.set(residual.scope, (siblings.get(residual.scope) ?? 0) + 1);
    return [{ residual, parameters }];
  });
  const named = new Map<string, Residual[]>();
  for (const { residual, parameters } of alone) {
    const name = nameOf(modules, residual, parameters, siblings.get(residual.scope)!);
    const list = named.get(name);
    if (list) list.push(residual);
    else named.set(name, [residual]);
  }
  const drafts = [...named].map(([name, list]) => {
    const bypasses = list.map(skip);
    const { nodes, parameters } = index.deadAfter(bypasses);
    const scopes = new Set(list.map(({ scope }) => scope));
    const below = parameters.filter((one) => [...scopes].some((scope) => modules.under(scope, [one]).length > 0));
    // A module elsewhere that served this branch alone, such as the time embedding of a single resnet, is not part of it.
    const own = below.length > 0 ? below : parameters;
    const treatment: Treatment = list.some(({ shortcut }) => shortcut.length > 0) ? 'shortcut' : 'input';
    return { id: name, name, modules: [name], residuals: list, bypasses, parameters: own, nodes, treatment };
  });
  const ends = new Map(drafts.flatMap(({ name, residuals: list }) => list.map(({ at }) => [at, name])));
  return drafts.map(({ name, ...draft }) => {
    const hasInner = draft.nodes.some((at) => ends.has(at) && ends.get(at) !== name);
    return { ...draft, kind: hasInner ? 'block' : 'layer' };
  });
}

const skip = ({ out, kept }: Residual): Bypass => ({ from: out, to: kept });

/**
 * The Add's module, where nothing but a shortcut stays in it, or no other branch ends in it and little stays (a table of
 * positions that other layers share); otherwise the child with most of the parameters that go.
 */
function nameOf(modules: Modules, residual: Residual, parameters: readonly number[], siblings: number): string {
  const { scope, shortcut } = residual;
  const own = modules.under(scope, parameters);
  const staying = modules.count(scope) - own.length - modules.under(scope, shortcut).length;
  if (scope !== '' && own.length > 0 && (staying === 0 || (siblings === 1 && staying < own.length))) return scope;
  return modules.largestChild(own.length > 0 ? scope : '', own.length > 0 ? own : parameters);
}

/** The layers that can also hand on the part of their input that is no skip. */
function passing(index: GraphIndex, modules: Modules, layers: readonly Draft[]): Draft[] {
  return layers.flatMap((layer) => {
    const bypasses = layer.residuals.flatMap(({ out, shortcut, passed }) =>
      passed !== undefined && shortcut.length > 0 ? [{ from: out, to: passed }] : [],
    );
    if (bypasses.length < layer.residuals.length) return [];
    const { nodes, parameters } = index.deadAfter(bypasses);
    const own = parameters.filter((one) => layer.modules.some((path) => modules.under(path, [one]).length > 0));
    return [{ ...layer, id: `${layer.id}:pass`, treatment: 'pass', bypasses, nodes, parameters: own }];
  });
}

/** Modules of which nothing is left when all their branches are bypassed. */
function findBlocks(index: GraphIndex, modules: Modules, branches: readonly Draft[]): Draft[] {
  const names = new Set(branches.map(({ id }) => id));
  const blocks: Draft[] = [];
  for (const path of modules.paths()) {
    if (names.has(path)) continue;
    const inside = branches.filter(({ id }) => id.startsWith(`${path}.`));
    if (inside.length < 2) continue;
    const bypasses = inside.flatMap((branch) => branch.bypasses);
    const { nodes, parameters } = index.deadAfter(bypasses);
    const own = modules.under(path, parameters);
    // A module around a single branch of the same tensors is that branch.
    if (own.length < modules.count(path) || inside.some((branch) => branch.parameters.length === own.length)) continue;
    const residuals = inside.flatMap((branch) => branch.residuals);
    blocks.push({
      id: path,
      kind: 'block',
      treatment: 'input',
      modules: [path],
      residuals,
      bypasses,
      nodes,
      parameters: own,
    });
  }
  return blocks;
}

/** The layer that ends at every Add. */
function innerLayers(layers: readonly Draft[]): Map<number, string> {
  return new Map(layers.flatMap(({ id, residuals }) => residuals.map(({ at }) => [at, id] as const)));
}

function unitMaker(
  flow: SlotFlow,
  index: GraphIndex,
  modules: Modules,
  inner: ReadonlyMap<number, string>,
): (draft: Draft) => DepthUnit {
  const roles = rolesOf(flow);
  const indices = countUp(flow);
  return ({ id, kind, treatment, modules: paths, bypasses, parameters, nodes, residuals }) => {
    const layers = new Set<string>();
    for (const at of nodes) if (inner.has(at)) layers.add(inner.get(at)!);
    for (const { at } of residuals) if (inner.has(at)) layers.add(inner.get(at)!);
    return {
      id,
      kind,
      size: 1,
      treatment,
      modules: paths,
      layers: [...layers],
      parameters: modules.elements(parameters),
      nodes,
      bypasses: bypasses.map(({ from, to }) => ({ value: index.names[from], by: index.names[to] })),
      slices: parameters.flatMap((value) => wholeTensor(flow, index.names[value], roles, indices)),
    };
  };
}

/** What operators do with every constant; of its output axis where it has one. */
function rolesOf({ constantAxes }: SlotFlow): Map<string, Role> {
  const roles = new Map<string, Role>();
  for (const { value, role } of constantAxes) {
    if (!roles.has(value) || role === 'producer') roles.set(value, role);
  }
  return roles;
}

/** All indices of a tensor's first axis; none for a scalar, which has no axis. */
function wholeTensor(
  { graph }: SlotFlow,
  value: string,
  roles: ReadonlyMap<string, Role>,
  indices: Int32Array,
): GroupSlice[] {
  const { parameter, shape } = graph.constants.get(value)!;
  if (shape.length === 0) return [];
  const [size] = shape;
  return [
    {
      tensor: parameter!.name,
      value,
      axis: parameter!.axes[0] ?? 0,
      valueAxis: 0,
      role: roles.get(value) ?? 'factor',
      perUnit: size,
      indices: indices.subarray(0, size),
    },
  ];
}

function countUp({ graph }: SlotFlow): Int32Array {
  let longest = 0;
  for (const { shape, parameter } of graph.constants.values()) {
    if (parameter) longest = Math.max(longest, shape[0] ?? 0);
  }
  return Int32Array.from({ length: longest }, (_, i) => i);
}
