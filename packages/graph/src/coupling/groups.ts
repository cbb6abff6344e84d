import type { Constant, Graph } from '../graph.js';
import type { OpSet } from '../op-record.js';
import { sizeOf } from '../tensor.js';
import { type ConstantAxis, type SlotFlow, traceSlots } from './flow.js';
import type { Role } from './slot-context.js';

/**
 * What kind of thing a unit is.
 * - `channel`: an index of a feature axis, convolutional or linear
 * - `head`: a whole attention head
 * - `head-dim`: one inner dimension of every head, of {q, k} or of {v, out}
 */
export type UnitKind = 'channel' | 'head' | 'head-dim';

/** One axis of one tensor that every unit of a group takes `perUnit` indices of. */
export interface GroupSlice {
  /** Checkpoint name of the tensor; the graph's value name for a constant that is no parameter. */
  readonly tensor: string;
  /** Value name of the constant in the graph. */
  readonly value: string;
  /** Axis in the checkpoint's layout. */
  readonly axis: number;
  /** Axis of the graph's constant. */
  readonly valueAxis: number;
  readonly role: Role;
  readonly perUnit: number;
  /** Indices along the axis, `[size * perUnit]`: those of unit `u` start at `u * perUnit`, ascending. */
  readonly indices: Int32Array;
}

/** Units with the same slice list, ranked together. Unit `u` is position `u` of every slice. */
export interface Group {
  /** First producer and axis, e.g. `conv_in.weight:0`; `:head` or `:head-dim` is added for those kinds. */
  readonly id: string;
  readonly kind: UnitKind;
  /** Number of units. */
  readonly size: number;
  readonly slices: readonly GroupSlice[];
  /** Why none of it may be cut; absent when it may. */
  readonly reason?: string;
}

/** Part of a parameter that no unit covers. */
export interface NotPruned {
  readonly tensor: string;
  /** Axis in the checkpoint's layout; `null` when the tensor as a whole is out of reach. */
  readonly axis: number | null;
  readonly reason: string;
  /** Number of parameters of the tensor that no unit covers. */
  readonly parameters: number;
}

/** A GroupNorm, by units. */
export interface NormGroups {
  readonly norm: string;
  /** Number of norm groups, each of consecutive channels. */
  readonly groups: number;
  /** For every channel the unit it is, or `null` when it cannot be cut. `[channels]` */
  readonly channels: readonly ({ readonly group: string; readonly unit: number } | null)[];
}

export interface Coupling {
  /** Groups that may be cut, in the order of their first producer in the graph. */
  readonly groups: readonly Group[];
  readonly norms: readonly NormGroups[];
  readonly notPruned: readonly NotPruned[];
  /** Number of parameters, buffers left out. */
  readonly parameters: number;
  /** Number of parameters that lie in some unit. */
  readonly covered: number;
  /** The trace it was made from; surgery needs it. */
  readonly flow: SlotFlow;
  /** Atom of every unit: `atoms.get(group.id)[unit]`. */
  readonly atoms: ReadonlyMap<string, Int32Array>;
}

interface Member {
  readonly at: ConstantAxis;
  readonly indices: number[];
}

/** Finds everything that can be cut in a graph, and says why the rest cannot. */
export function couple(graph: Graph, options: { ops?: OpSet } = {}): Coupling {
  const flow = traceSlots(graph, options);
  const members = membersOfAtoms(flow);
  const { groups, atoms } = groupAtoms(flow, members);
  const unitOfAtom = new Map<number, { group: string; unit: number }>();
  for (const group of groups) {
    if (!group.reason) atoms.get(group.id)!.forEach((atom, unit) => unitOfAtom.set(atom, { group: group.id, unit }));
  }
  const norms = flow.norms.map(({ norm, groups: count, slots }) => ({
    norm,
    groups: count,
    channels: Array.from(slots, (slot) => {
      const list = flow.table.atomsOf(slot);
      return (list.length === 1 && unitOfAtom.get(list[0])) || null;
    }),
  }));
  const { notPruned, parameters, covered } = findNotPruned(flow, groups, unitOfAtom);
  return { groups: groups.filter((group) => !group.reason), norms, notPruned, parameters, covered, flow, atoms };
}

/** For every atom the axis indices that go with it, axes in the order in which the graph reads them. */
function membersOfAtoms(flow: SlotFlow): Map<number, Member[]> {
  const members = new Map<number, Member[]>();
  for (const at of flow.constantAxes) {
    at.slots.forEach((slot, index) => {
      for (const atom of flow.table.atomsOf(slot)) {
        let list = members.get(atom);
        if (!list) members.set(atom, (list = []));
        const last = list[list.length - 1];
        if (last?.at === at) last.indices.push(index);
        else list.push({ at, indices: [index] });
      }
    });
  }
  return members;
}

function groupAtoms(
  flow: SlotFlow,
  members: Map<number, Member[]>,
): { groups: Group[]; atoms: Map<string, Int32Array> } {
  const ids = new Map(flow.constantAxes.map((at, i) => [at, i]));
  const buckets = new Map<string, number[]>();
  for (const [atom, list] of members) {
    const pin = flow.table.pinOf(atom);
    const key = `${list.map(({ at, indices }) => `${ids.get(at)}x${indices.length}`).join(',')}|${pin ?? ''}`;
    const bucket = buckets.get(key);
    if (bucket) bucket.push(atom);
    else buckets.set(key, [atom]);
  }
  const groups: Group[] = [];
  const atoms = new Map<string, Int32Array>();
  for (const bucket of buckets.values()) {
    const lists = bucket.map((atom) => members.get(atom)!);
    const shape = lists[0];
    const first = Math.max(0, shape.findIndex(({ at }) => at.role === 'producer' || at.role === 'table'));
    const order = bucket.map((_, i) => i).sort((a, b) => lists[a][first].indices[0] - lists[b][first].indices[0]);
    const slices = shape.map(({ at, indices }, k) => {
      const perUnit = indices.length;
      const all = new Int32Array(bucket.length * perUnit);
      order.forEach((i, unit) => all.set(lists[i][k].indices, unit * perUnit));
      return sliceOf(flow.graph, at, perUnit, all);
    });
    const kind = kindOf(flow.table.positionOf(bucket[0]));
    const produced = shape.some(({ at }) => at.role === 'producer' || at.role === 'table');
    const id = uniqueId(atoms, `${slices[first].tensor}:${slices[first].axis}${kind === 'channel' ? '' : `:${kind}`}`);
    atoms.set(id, Int32Array.from(order, (i) => bucket[i]));
    groups.push({
      id,
      kind,
      size: bucket.length,
      slices,
      reason: flow.table.pinOf(bucket[0]) ?? reasonAgainst(produced, bucket.length, kind),
    });
  }
  return { groups, atoms };
}

function reasonAgainst(produced: boolean, size: number, kind: UnitKind): string | undefined {
  if (!produced) return 'no parameter produces it (an embedding of fixed frequencies or positions)';
  return size === 1 ? `the only ${kind} there is` : undefined;
}

function kindOf(position: number | undefined): UnitKind {
  return position === undefined ? 'channel' : position === 0 ? 'head' : 'head-dim';
}

function uniqueId(taken: ReadonlyMap<string, unknown>, base: string): string {
  let id = base;
  for (let n = 2; taken.has(id); n++) id = `${base}#${n}`;
  return id;
}

function sliceOf(graph: Graph, at: ConstantAxis, perUnit: number, indices: Int32Array): GroupSlice {
  const { parameter } = graph.constants.get(at.value)!;
  return {
    tensor: parameter?.name ?? at.value,
    value: at.value,
    axis: parameter?.axes[at.axis] ?? at.axis,
    valueAxis: at.axis,
    role: at.role,
    perUnit,
    indices,
  };
}

function findNotPruned(
  flow: SlotFlow,
  groups: readonly Group[],
  unitOfAtom: ReadonlyMap<number, unknown>,
): Pick<Coupling, 'notPruned' | 'parameters' | 'covered'> {
  const axesOfValue = new Map<string, ConstantAxis[]>();
  for (const at of flow.constantAxes) {
    const list = axesOfValue.get(at.value);
    if (list) list.push(at);
    else axesOfValue.set(at.value, [at]);
  }
  const reasons = new Map<string, string>();
  for (const group of groups) {
    if (group.reason) for (const slice of group.slices) reasons.set(`${slice.value}:${slice.valueAxis}`, group.reason);
  }
  const notPruned: NotPruned[] = [];
  let parameters = 0;
  let covered = 0;
  for (const [value, constant] of flow.graph.constants) {
    if (!constant.parameter || constant.parameter.buffer) continue;
    const size = sizeOf(constant.shape);
    parameters += size;
    let uncovered = size;
    const axes = axesOfValue.get(value) ?? [];
    for (const at of axes) {
      const free = at.slots.filter((slot) => flow.table.atomsOf(slot).every((atom) => !unitOfAtom.has(atom))).length;
      uncovered = (uncovered / at.slots.length) * free;
    }
    covered += size - uncovered;
    if (uncovered > 0) notPruned.push(...explain(value, constant, axes, reasons, uncovered));
  }
  return { notPruned, parameters, covered };
}

function explain(
  value: string,
  constant: Constant,
  axes: readonly ConstantAxis[],
  reasons: ReadonlyMap<string, string>,
  parameters: number,
): NotPruned[] {
  const { name: tensor, axes: checkpointAxes } = constant.parameter!;
  const known = axes.filter((at) => reasons.has(`${value}:${at.axis}`));
  if (known.length === 0) {
    const reason = axes.length === 0 ? 'no operator reads it along an axis that could be cut' : 'partly outside every group';
    return [{ tensor, axis: null, reason, parameters }];
  }
  return known.map((at) => ({
    tensor,
    axis: checkpointAxes[at.axis] ?? at.axis,
    reason: reasons.get(`${value}:${at.axis}`)!,
    parameters,
  }));
}
