import { type DepthKind, type DepthUnit, findDepthUnits } from '../depth/depth-units.js';
import { GraphIndex } from '../depth/graph-index.js';
import type { Constant, Graph } from '../graph.js';
import type { OpSet } from '../op-record.js';
import { sizeOf } from '../tensor.js';
import { type ConstantAxis, type SlotFlow, traceSlots } from './flow.js';
import { findModulations, type Modulation } from './modulation.js';
import { areNeurons } from './neurons.js';
import { bucketsOf, type Occurrences, occurrencesOf } from './occurrences.js';
import type { Role } from './slot-context.js';

/**
 * What kind of thing a unit is.
 * - `channel`: an index of a feature axis, convolutional or linear
 * - `neuron`: a channel that is a hidden index of a feed-forward: between two linears, and read by nothing else
 * - `head`: a whole attention head; or a whole group of a grouped convolution
 * - `head-dim`: one inner dimension of every head, of {q, k} or of {v, out}; or one channel of every convolution group
 * - `modulation`: an output of a linear that makes scales, shifts and gates out of a conditioning vector
 * - `layer`, `block`, `pair`, `stage`: see {@link DepthKind}
 */
export type UnitKind = SlotKind | 'neuron' | 'modulation' | DepthKind;

/** Kinds that slots alone tell apart. */
type SlotKind = 'channel' | 'head' | 'head-dim';

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
  readonly channels: readonly (UnitOfNorm | null)[];
}

export interface UnitOfNorm {
  readonly group: string;
  readonly unit: number;
}

export interface Coupling {
  /** Groups that may be cut, in the order of their first producer in the graph. */
  readonly groups: readonly Group[];
  readonly norms: readonly NormGroups[];
  readonly notPruned: readonly NotPruned[];
  /** Outputs of linears that modulate, which can become zeros that are not computed. Found when first asked for. */
  readonly modulations: readonly Modulation[];
  /** Parts that can be left out as a whole: layers, blocks, pairs, the innermost stage. Found when first asked for. */
  readonly depth: readonly DepthUnit[];
  /** Number of parameters, buffers left out. */
  readonly parameters: number;
  /** Number of parameters that lie in some unit of {@link groups}. */
  readonly covered: number;
  /** The trace it was made from; surgery needs it. */
  readonly flow: SlotFlow;
  /** Atom of every unit: `atoms.get(group.id)[unit]`. */
  readonly atoms: ReadonlyMap<string, Int32Array>;
}

/** Finds everything that can be cut in a graph, and says why the rest cannot. */
export function couple(graph: Graph, options: { ops?: OpSet } = {}): Coupling {
  const flow = traceSlots(graph, options);
  const occurrences = occurrencesOf(flow);
  const index = new GraphIndex(graph);
  const { groups, atoms, refused, isInUnit, unitOf } = groupAtoms(flow, occurrences, index);
  const norms = flow.norms.map(({ norm, groups: count, slots }) => ({
    norm,
    groups: count,
    channels: Array.from(slots, (slot) => unitOf(occurrences.atomOf(slot))),
  }));
  let modulations: readonly Modulation[] | undefined;
  let depth: readonly DepthUnit[] | undefined;
  return {
    groups,
    norms,
    get modulations() {
      return (modulations ??= findModulations(flow, index));
    },
    get depth() {
      return (depth ??= findDepthUnits(flow, index));
    },
    ...findNotPruned(flow, occurrences, groups, refused, isInUnit),
    flow,
    atoms,
  };
}

/** Atoms of one kind that cannot be cut. */
interface Refused {
  readonly axes: readonly ConstantAxis[];
  readonly reason: string;
}

/** The unit that an atom is, by its number; `null` when it cannot be cut, or nowhere occurs (-1). */
type UnitOfAtom = (atom: number) => UnitOfNorm | null;

/** Atoms of one kind and pin that lie on the same axes with the same counts make a group. */
function groupAtoms(
  flow: SlotFlow,
  occurrences: Occurrences,
  index: GraphIndex,
): {
  groups: Group[];
  atoms: Map<string, Int32Array>;
  refused: Refused[];
  isInUnit(atom: number): boolean;
  unitOf: UnitOfAtom;
} {
  const { count, slots, starts, indices } = occurrences;
  const kinds = kindsOfAtoms(flow, occurrences);
  const groups: Group[] = [];
  const atoms = new Map<string, Int32Array>();
  const refused: Refused[] = [];
  // By number of the atom: position of its group plus 1, and unit in it.
  const groupOf = new Int32Array(count);
  const units = new Int32Array(count);
  for (const bucket of bucketsOf(occurrences, keysOf(flow, occurrences, kinds))) {
    const runs = runsOf(flow, occurrences, bucket[0]);
    const kind = unitKinds[kinds[bucket[0]]];
    const first = runs.findIndex(({ at }) => at.role === 'producer' || at.role === 'table');
    const reason = flow.table.pinOf(slots[bucket[0]]) ?? reasonAgainst(first >= 0, bucket.length, kind);
    if (reason !== undefined) {
      refused.push({ axes: runs.map(({ at }) => at), reason });
      continue;
    }
    const { from } = runs[first];
    bucket.sort((a, b) => indices[starts[a] + from] - indices[starts[b] + from]);
    const slices = runs.map((run) => sliceOf(flow.graph, run, indicesOf(occurrences, bucket, run)));
    const id = uniqueId(atoms, `${slices[first].tensor}:${slices[first].axis}${kind === 'channel' ? '' : `:${kind}`}`);
    atoms.set(
      id,
      Int32Array.from(bucket, (atom) => slots[atom]),
    );
    groups.push({
      id,
      kind: kind === 'channel' && areNeurons(index, slices) ? 'neuron' : kind,
      size: bucket.length,
      slices,
    });
    bucket.forEach((atom, unit) => {
      groupOf[atom] = groups.length;
      units[atom] = unit;
    });
  }
  const isInUnit = (atom: number) => atom >= 0 && groupOf[atom] > 0;
  const unitOf = (atom: number) => (isInUnit(atom) ? { group: groups[groupOf[atom] - 1].id, unit: units[atom] } : null);
  return { groups, atoms, refused, isInUnit, unitOf };
}

/** By number of the atom: a number for its kind and its pin. */
function keysOf({ table }: SlotFlow, { count, slots }: Occurrences, kinds: Uint8Array): Int32Array {
  const numbers = new Map<string | undefined, number>([[undefined, 0]]);
  const keys = new Int32Array(count);
  for (let atom = 0; atom < count; atom++) {
    const pin = table.pinOf(slots[atom]);
    if (pin !== undefined && !numbers.has(pin)) numbers.set(pin, numbers.size);
    keys[atom] = numbers.get(pin)! * unitKinds.length + kinds[atom];
  }
  return keys;
}

/** An axis that an atom occurs on: `count` times, from its occurrence number `from` on. */
interface Run {
  readonly at: ConstantAxis;
  readonly from: number;
  readonly count: number;
}

function runsOf({ constantAxes }: SlotFlow, { starts, axes }: Occurrences, atom: number): Run[] {
  const runs: Run[] = [];
  const [start, end] = [starts[atom], starts[atom + 1]];
  for (let i = start; i < end; ) {
    let next = i + 1;
    while (next < end && axes[next] === axes[i]) next++;
    runs.push({ at: constantAxes[axes[i]], from: i - start, count: next - i });
    i = next;
  }
  return runs;
}

function indicesOf({ starts, indices }: Occurrences, bucket: readonly number[], { from, count }: Run): Int32Array {
  const all = new Int32Array(bucket.length * count);
  let to = 0;
  for (const atom of bucket) {
    const at = starts[atom] + from;
    for (let k = 0; k < count; k++) all[to++] = indices[at + k];
  }
  return all;
}

function reasonAgainst(produced: boolean, size: number, kind: SlotKind): string | undefined {
  if (!produced) return 'no parameter produces it (an embedding of fixed frequencies or positions)';
  return size === 1 ? `the only ${kind} of its kind` : undefined;
}

const unitKinds: readonly SlotKind[] = ['channel', 'head', 'head-dim'];

/**
 * Where an index is the conjunction of several atoms that may go, the outermost is a head and the others lie inside it.
 * Atoms that have to stay do not count: chunk `c` of `[6, d]` modulation outputs is no head of `d` channels.
 *
 * @returns by number of the atom the position of its kind among {@link unitKinds}
 */
function kindsOfAtoms(
  { constantAxes, table }: SlotFlow,
  { count, slots, isProduct, products, productOf }: Occurrences,
): Uint8Array {
  const kinds = new Uint8Array(count);
  const seen = new Uint8Array(products.length);
  const isFree = (atom: number) => table.pinOf(slots[atom]) === undefined;
  constantAxes.forEach((at, axis) => {
    if (isProduct[axis] === 0) return;
    for (const slot of at.slots) {
      const p = productOf(slot);
      if (p === 0 || seen[p] === 1) continue;
      seen[p] = 1;
      const end = p + products[p];
      let free = 0;
      for (let k = p + 1; k <= end; k++) if (isFree(products[k])) free++;
      if (free < 2) continue;
      let kind = 1;
      for (let k = p + 1; k <= end; k++) {
        const atom = products[k];
        if (!isFree(atom)) continue;
        if (kinds[atom] === 0) kinds[atom] = kind;
        kind = 2;
      }
    }
  });
  return kinds;
}

function uniqueId(taken: ReadonlyMap<string, unknown>, base: string): string {
  let id = base;
  for (let n = 2; taken.has(id); n++) id = `${base}#${n}`;
  return id;
}

function sliceOf(graph: Graph, { at, count }: Run, indices: Int32Array): GroupSlice {
  const { parameter } = graph.constants.get(at.value)!;
  return {
    tensor: parameter?.name ?? at.value,
    value: at.value,
    axis: parameter?.axes[at.axis] ?? at.axis,
    valueAxis: at.axis,
    role: at.role,
    perUnit: count,
    indices,
  };
}

function findNotPruned(
  flow: SlotFlow,
  occurrences: Occurrences,
  groups: readonly Group[],
  refused: readonly Refused[],
  isInUnit: (atom: number) => boolean,
): Pick<Coupling, 'notPruned' | 'parameters' | 'covered'> {
  const nameOf = (value: string, axis: number) => `${value}:${axis}`;
  const inGroups = new Map<string, number>();
  for (const { slices } of groups) {
    for (const { value, valueAxis, indices } of slices) {
      const name = nameOf(value, valueAxis);
      inGroups.set(name, (inGroups.get(name) ?? 0) + indices.length);
    }
  }
  const axesOfValue = new Map<string, (ConstantAxis & { free: number })[]>();
  flow.constantAxes.forEach((at, i) => {
    const { value, axis, slots } = at;
    // An index that is one atom lies in one group at most, so the groups' sizes say how many are left.
    const free =
      occurrences.isProduct[i] > 0
        ? freeOfProduct(slots, occurrences, isInUnit)
        : slots.length - (inGroups.get(nameOf(value, axis)) ?? 0);
    const list = axesOfValue.get(value) ?? [];
    axesOfValue.set(value, list);
    list.push({ ...at, free });
  });
  const reasons = new Map<string, string>();
  for (const { axes, reason } of refused) for (const at of axes) reasons.set(nameOf(at.value, at.axis), reason);
  const notPruned: NotPruned[] = [];
  let parameters = 0;
  let covered = 0;
  for (const [value, constant] of flow.graph.constants) {
    if (!constant.parameter || constant.parameter.buffer) continue;
    const size = sizeOf(constant.shape);
    parameters += size;
    let uncovered = size;
    const axes = axesOfValue.get(value) ?? [];
    for (const { slots, free } of axes) uncovered = (uncovered / slots.length) * free;
    covered += size - uncovered;
    if (uncovered > 0) notPruned.push(...explain(value, constant, axes, reasons, uncovered));
  }
  return { notPruned, parameters, covered };
}

/** Number of slots that no unit takes along. */
function freeOfProduct(
  slots: Int32Array,
  { products, productOf, atomOf }: Occurrences,
  isInUnit: (atom: number) => boolean,
): number {
  let free = 0;
  for (const slot of slots) {
    const p = productOf(slot);
    let covered = p === 0 && isInUnit(atomOf(slot));
    for (let k = 1; p > 0 && k <= products[p] && !covered; k++) covered = isInUnit(products[p + k]);
    if (!covered) free++;
  }
  return free;
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
    const reason =
      axes.length === 0 ? 'no operator reads it along an axis that could be cut' : 'partly outside every group';
    return [{ tensor, axis: null, reason, parameters }];
  }
  return known.map((at) => ({
    tensor,
    axis: checkpointAxes[at.axis] ?? at.axis,
    reason: reasons.get(`${value}:${at.axis}`)!,
    parameters,
  }));
}
