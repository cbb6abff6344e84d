import { dimEquals, isSymbolic } from '../dim.js';
import { SecateurError } from '../errors.js';
import type { Graph, GraphNode } from '../graph.js';
import { inferTypes, recordOf } from '../infer.js';
import type { OpSet, ValueType } from '../op-record.js';
import { defaultOps } from '../ops/index.js';
import {
  axisOfConstant,
  concatAxes,
  type FactoredAxis,
  fixedAxis,
  flattenAxis,
  hasSlots,
  joinAxes,
  partOfAxis,
  pickFromAxis,
  pinAxis,
  reshapeAxes,
  sizeOfAxis,
  splitFactor,
} from './axis.js';
import type { Axis, Role, SlotContext } from './slot-context.js';
import { SlotTable } from './slot-table.js';

/** An axis of a constant and what an operator does with it. */
export interface ConstantAxis {
  readonly value: string;
  readonly axis: number;
  readonly role: Role;
  readonly slots: Int32Array;
  /** For a consumer: the value whose channels it is multiplied with, and their axis. */
  readonly reads?: { readonly value: string; readonly axis: number };
}

/** A GroupNorm over an axis of slots. */
export interface NormAxis {
  /** Node name, or scope where it has one. */
  readonly norm: string;
  readonly groups: number;
  readonly slots: Int32Array;
}

/** What flows where: the raw result of walking the graph, from which units are made. */
export interface SlotFlow {
  readonly graph: Graph;
  readonly ops: OpSet;
  readonly types: ReadonlyMap<string, ValueType>;
  readonly table: SlotTable;
  readonly axes: ReadonlyMap<string, readonly FactoredAxis[]>;
  /** In the order in which operators read them. */
  readonly constantAxes: readonly ConstantAxis[];
  readonly norms: readonly NormAxis[];
}

/** Walks the graph and lets every operator say how its slots flow. */
export function traceSlots(graph: Graph, options: { ops?: OpSet } = {}): SlotFlow {
  const ops = options.ops ?? defaultOps;
  const trace = new Trace(graph, ops, inferTypes(graph, { ops }));
  for (const node of graph.nodes) trace.visit(node);
  for (const output of graph.outputs) {
    for (const axis of trace.axesOf(output.name))
      pinAxis(trace.table, axis, `tied to the model's output "${output.name}"`);
  }
  // Slots only now: most axes of constants have come to share those of the axes that they were joined to.
  const constantAxes = Array.from(trace.constantAxes, ([axis, at]) => ({ ...at, slots: axis.factors[0].slots! }));
  settleSlots(trace.axes);
  return {
    graph,
    ops,
    types: trace.types,
    table: trace.table,
    axes: trace.axes,
    constantAxes,
    norms: trace.norms,
  };
}

/** No slot may be made after the trace: what reads it sizes its tables by their number. */
function settleSlots(axes: ReadonlyMap<string, readonly FactoredAxis[]>): void {
  for (const list of axes.values()) for (const axis of list) for (const factor of axis.factors) void factor.slots;
}

/** Room made in advance at most, in slots: a file may claim any shape. */
const maxExpectedSlots = 1 << 21;

/** Operators whose output holds elements of their first input, whichever the others choose at run time. */
const bringsParts: ReadonlySet<string> = new Set(['Slice', 'Reshape']);

/** State of the walk: one axis list per value seen so far. */
class Trace {
  readonly table: SlotTable;
  readonly axes = new Map<string, readonly FactoredAxis[]>();
  readonly constantAxes = new Map<FactoredAxis, Omit<ConstantAxis, 'slots'>>();
  readonly norms: NormAxis[] = [];
  /** Where the axes of constants come from, however they are transposed on the way to their operator. */
  private readonly origins = new Map<FactoredAxis, { value: string; axis: number }>();
  private readonly fromConstants = new Set<string>();
  private readonly read: ReadonlySet<string>;

  constructor(
    readonly graph: Graph,
    readonly ops: OpSet,
    readonly types: ReadonlyMap<string, ValueType>,
  ) {
    for (const input of graph.inputs) {
      this.axes.set(
        input.name,
        input.shape.map((dim) => fixedAxis(dim, `the model's input "${input.name}"`)),
      );
    }
    this.read = new Set([...graph.nodes.flatMap(({ inputs }) => inputs), ...graph.outputs.map(({ name }) => name)]);
    let indices = 0;
    for (const [name, { shape }] of graph.constants) {
      this.fromConstants.add(name);
      for (const size of shape) indices += size;
    }
    this.table = new SlotTable(Math.min(indices, maxExpectedSlots));
  }

  axesOf(value: string): readonly FactoredAxis[] {
    const known = this.axes.get(value);
    if (known) return known;
    const constant = this.graph.constants.get(value);
    if (!constant) throw new SecateurError('BAD_FILE', `Value "${value}" is read before it is made.`, { field: value });
    const axes = constant.shape.map((size, axis) => {
      if (constant.fixed) return fixedAxis(size, "follows from the model's configuration");
      const made = axisOfConstant(this.table, size);
      this.origins.set(made, { value, axis });
      return made;
    });
    this.axes.set(value, axes);
    return axes;
  }

  visit(node: GraphNode): void {
    recordOf(this.ops, node).slots(this.context(node));
    for (const output of node.outputs) {
      if (!output || this.axes.has(output)) continue;
      // Nothing that could be cut goes in: there is nothing to say. Otherwise silence would be a guess.
      if (node.inputs.some((input) => input && this.axesOf(input).some(hasSlots))) {
        throw new SecateurError(
          'UNKNOWN_OP',
          `${node.op}'s record does not say how slots reach its output "${output}".`,
          {
            field: node.name,
            plugin: node.op,
          },
        );
      }
      this.axes.set(
        output,
        this.types.get(output)!.shape.map((dim) => fixedAxis(dim)),
      );
    }
    const sources = bringsParts.has(node.op) ? node.inputs.slice(0, 1) : node.inputs;
    if (sources.every((input) => !input || this.fromConstants.has(input))) {
      for (const output of node.outputs) this.fromConstants.add(output);
    }
  }

  private context(node: GraphNode): SlotContext {
    const { table } = this;
    const type = (value: string | undefined): ValueType => {
      const found = value ? this.types.get(value) : undefined;
      if (!found)
        throw new SecateurError('BAD_FILE', `${node.op} "${node.name}" lacks an input.`, { field: node.name });
      return found;
    };
    const cast = (axis: Axis): FactoredAxis => axis as FactoredAxis;
    return {
      node,
      opset: this.graph.opset,
      inputCount: node.inputs.length,
      has: (i) => Boolean(node.inputs[i]),
      input: (i) => type(node.inputs[i]),
      output: (k) => type(node.outputs[k]),
      isRead: (k) => this.read.has(node.outputs[k]),
      axes: (i) => this.axesOf(node.inputs[i]),
      numbers: (i) => {
        const elements = node.inputs[i] ? this.types.get(node.inputs[i])?.elements : undefined;
        return elements?.every((element) => !isSymbolic(element)) ? (elements as readonly number[]) : undefined;
      },
      set: (k, axes) => {
        if (node.outputs[k]) this.axes.set(node.outputs[k], this.fit(node, type(node.outputs[k]), axes.map(cast)));
      },
      join: (a, b) => joinAxes(table, cast(a), cast(b)),
      pin: (axis, reason) => pinAxis(table, cast(axis), reason),
      split: (axis, sizes) => {
        let offset = 0;
        return sizes.map((size) => {
          const from = offset;
          offset += size;
          return partOfAxis(table, cast(axis), from, size);
        });
      },
      pick: (axis, indices) => pickFromAxis(table, cast(axis), indices),
      concat: (axes) => concatAxes(table, axes.map(cast)),
      reshape: (axes, k) => reshapeAxes(table, axes.map(cast), type(node.outputs[k]).shape),
      blank: () => ({ factors: [] }),
      fixed: (size, reason) => fixedAxis(size, reason),
      role: (i, axis, role, reads) =>
        this.note(node.inputs[i], axis, role, reads && { value: node.inputs[reads.input], axis: reads.axis }),
      normGroups: (axis, groups) => {
        const { slots } = flattenAxis(table, cast(axis));
        if (slots) this.norms.push({ norm: node.scope || node.name, groups, slots });
      },
      convGroups: (channels, weightIn, out, groups) =>
        this.joinConvGroups(cast(channels), cast(weightIn), cast(out), groups),
    };
  }

  /** Axes that match the output's shape: a blank one becomes an axis that cannot be cut. */
  private fit(node: GraphNode, type: ValueType, axes: readonly FactoredAxis[]): readonly FactoredAxis[] {
    if (axes.length !== type.shape.length) {
      throw new SecateurError(
        'SHAPE_MISMATCH',
        `${node.op}'s record sets ${axes.length} axes; the output has ${type.shape.length}.`,
        {
          field: node.name,
        },
      );
    }
    return type.shape.map((dim, i) => {
      const axis = axes[i];
      if (dim === 1) {
        // A single index has no slot to go on with (it may be broadcast next), so it has to stay.
        pinAxis(this.table, axis, 'one index of it is read by itself');
        return fixedAxis(1);
      }
      const size = sizeOfAxis(axis);
      if (dimEquals(size, dim)) return axis;
      if (!hasSlots(axis)) return fixedAxis(dim, axis.factors[0]?.reason);
      if (isSymbolic(dim) && isSymbolic(size)) return axis;
      throw new SecateurError(
        'SHAPE_MISMATCH',
        `${node.op}'s record gives output axis ${i} the slots of an axis of another size.`,
        {
          field: node.name,
        },
      );
    });
  }

  private note(value: string | undefined, at: number, role: Role, reads?: ConstantAxis['reads']): void {
    if (!value || !this.fromConstants.has(value)) return;
    const axis = this.axesOf(value)[at];
    const origin = axis && this.origins.get(axis);
    if (!origin || this.constantAxes.has(axis)) return;
    if (hasSlots(axis)) this.constantAxes.set(axis, { ...origin, role, reads });
  }

  private joinConvGroups(channels: FactoredAxis, weightIn: FactoredAxis, out: FactoredAxis, groups: number): void {
    const { table } = this;
    const cut = (axis: FactoredAxis) => {
      const factor = flattenAxis(table, axis);
      if (!factor.slots) return undefined;
      return splitFactor(table, factor, [groups, factor.slots.length / groups]);
    };
    const [inGroups, inner] = cut(channels) ?? [];
    const [outGroups] = cut(out) ?? [];
    const reason = 'a grouped convolution of an input of fixed size';
    if (inGroups && outGroups) joinAxes(table, { factors: [inGroups] }, { factors: [outGroups] });
    else if (outGroups) pinAxis(table, { factors: [outGroups] }, reason);
    if (inner && inner.size !== 1) joinAxes(table, { factors: [inner] }, weightIn);
    else if (!inner) pinAxis(table, weightIn, reason);
  }
}
