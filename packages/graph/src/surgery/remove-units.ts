import type { Coupling } from '../coupling/groups.js';
import type { Modulation } from '../coupling/modulation.js';
import type { DepthUnit } from '../depth/depth-units.js';
import { isSymbolic } from '../dim.js';
import { SecateurError } from '../errors.js';
import type { Attribute, Constant, Graph, GraphNode } from '../graph.js';
import { constantOf, withoutDeadNodes } from '../graph.js';
import { inferContext, inferTypes, recordOf } from '../infer.js';
import type { OpSet, ValueType } from '../op-record.js';
import type { Tensor } from '../tensor.js';
import { bypassUnits } from './bypass.js';
import { Liveness } from './liveness.js';
import { partsOf, type Removal } from './removal.js';
import type { RewriteContext } from './rewrite-context.js';
import { keepOutputs } from './scatter.js';
import { sliceConstant } from './slice-constant.js';

export type { Removal } from './removal.js';

export interface Cut {
  readonly graph: Graph;
  /** Indices that stay, by checkpoint tensor and axis (checkpoint layout); tensors that lost nothing are left out. */
  readonly kept: ReadonlyMap<string, ReadonlyMap<number, readonly number[]>>;
}

/**
 * Removes units for real: smaller tensors, rewritten shape constants, split sizes and group counts; layers and blocks are
 * left out, and what lies in one another is removed once. The graph given is not changed, and tensors that lose nothing are
 * shared with the result.
 *
 * @throws {SecateurError} BAD_OPTION for an unknown group or unit; CANNOT_PRUNE when a group would be emptied or a node
 *   cannot be rewritten
 */
export function removeUnits(coupling: Coupling, removal: Removal): Cut {
  const { slots, modulations, depth } = partsOf(coupling, removal);
  const { flow } = coupling;
  const live = new Liveness(coupling, slots);
  const kept = new Map<string, Map<number, readonly number[]>>();
  let cut = slots.size > 0 ? cutSlots(coupling, live, kept) : flow.graph;
  if (depth.length > 0) {
    checkAligned(depth, live);
    cut = bypassUnits(coupling, cut, depth);
  }
  for (const [modulation, units] of modulations) cut = cutOutputs(coupling, live, cut, modulation, units, kept);
  cut = depth.length === 0 ? withoutDeadNodes(cut) : cut;
  checkShapes(coupling, live, cut);
  for (const name of kept.keys()) if (!cut.constants.has(name)) kept.delete(name);
  return { graph: cut, kept: byTensor(cut, kept) };
}

/** The graph at its new widths; indices that stay go to `kept`, by constant. */
function cutSlots(coupling: Coupling, live: Liveness, kept: Map<string, Map<number, readonly number[]>>): Graph {
  const { graph } = coupling.flow;
  const constants = new Map<string, Constant>();
  for (const [name, constant] of graph.constants) {
    const axes = live.keptOfValue(name);
    constants.set(name, axes.size === 0 ? constant : sliceConstant(constant, axes));
    if (axes.size > 0 && constant.parameter) kept.set(name, new Map(axes));
  }
  const nodes = graph.nodes.map((node) => rewriteNode(coupling, live, node, constants));
  return { ...graph, nodes, constants };
}

/** A value that is read in the place of another must have lost the same channels. */
function checkAligned(units: readonly DepthUnit[], live: Liveness): void {
  for (const { id, bypasses } of units) {
    for (const { value, by } of bypasses) {
      const [own, other] = [live.keptOfValue(value), live.keptOfValue(by)];
      const differs = [...new Set([...own.keys(), ...other.keys()])].some(
        (axis) => own.get(axis)?.join() !== other.get(axis)?.join(),
      );
      if (!differs) continue;
      throw new SecateurError('CANNOT_PRUNE', `"${id}" cannot be left out: what stands for it loses other channels.`, {
        field: id,
        hint: 'Remove layers first, then couple the smaller graph and cut its channels.',
      });
    }
  }
}

function cutOutputs(
  { flow }: Coupling,
  live: Liveness,
  graph: Graph,
  modulation: Modulation,
  units: ReadonlySet<number>,
  kept: Map<string, Map<number, readonly number[]>>,
): Graph {
  const [{ value: weight, valueAxis }] = modulation.slices;
  // Removed with the layers that it modulates.
  if (!graph.nodes.some((node) => node.outputs.includes(modulation.value))) return graph;
  const outputs =
    live.keptOfValue(weight).get(valueAxis) ?? Array.from({ length: modulation.size }, (_, output) => output);
  const left = outputs.flatMap((output, at) => (units.has(output) ? [] : [at]));
  if (left.length === outputs.length) return graph;
  if (left.length === 0) {
    throw new SecateurError('CANNOT_PRUNE', `Nothing of "${modulation.id}" would be left.`, { field: modulation.id });
  }
  for (const { value, valueAxis: axis } of modulation.slices) {
    kept.set(
      value,
      new Map(kept.get(value)).set(
        axis,
        left.map((at) => outputs[at]),
      ),
    );
  }
  return keepOutputs(graph, modulation, flow.types.get(modulation.value)!.shape.length, left);
}

function byTensor(
  graph: Graph,
  kept: ReadonlyMap<string, ReadonlyMap<number, readonly number[]>>,
): Map<string, ReadonlyMap<number, readonly number[]>> {
  const byName = new Map<string, ReadonlyMap<number, readonly number[]>>();
  for (const [value, axes] of kept) {
    const constant = graph.constants.get(value)!;
    byName.set(constant.parameter!.name, inCheckpointAxes(constant, axes));
  }
  return byName;
}

/**
 * A shape that is computed at run time, or an operator that a record forgot to rewrite, would surface later as a confusing
 * engine error: every value must come out in the size that its surviving slots say, checked node by node so that the first
 * one that does not is named.
 */
function checkShapes({ flow }: Coupling, live: Liveness, cut: Graph): void {
  const types = new Map(inferTypes({ ...cut, nodes: [] }, { ops: flow.ops }));
  for (const node of cut.nodes) {
    inferNode(flow.ops, cut, node, types).forEach((type, k) => {
      const output = node.outputs[k];
      if (!output) return;
      types.set(output, type);
      const kept = live.keptOfValue(output);
      // What surgery adds is a few nodes whose last value is one of the graph's.
      flow.types.get(output)?.shape.forEach((dim, axis) => {
        const wanted = kept.get(axis)?.length ?? dim;
        const actual = type.shape[axis];
        if (isSymbolic(wanted) || isSymbolic(actual) || wanted === actual) return;
        throw cannotCut(node, `axis ${axis} of its output would have ${actual} entries, ${wanted} survive`);
      });
    });
  }
}

function inferNode(ops: OpSet, cut: Graph, node: GraphNode, types: ReadonlyMap<string, ValueType>): ValueType[] {
  try {
    return recordOf(ops, node).infer(inferContext(cut, node, types));
  } catch (cause) {
    throw cannotCut(node, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function cannotCut(node: GraphNode, message: string, cause?: unknown): SecateurError {
  return new SecateurError('CANNOT_PRUNE', `${node.op} "${node.name}" cannot be cut: ${message}.`, {
    field: node.name,
    hint: 'Its shape is computed at run time: fold constants first, or export with static shapes.',
    cause,
  });
}

function inCheckpointAxes(
  constant: Constant,
  axes: ReadonlyMap<number, readonly number[]>,
): Map<number, readonly number[]> {
  const map = new Map<number, readonly number[]>();
  for (const [axis, indices] of axes) map.set(constant.parameter!.axes[axis] ?? axis, indices);
  return map;
}

function rewriteNode(coupling: Coupling, live: Liveness, node: GraphNode, constants: Map<string, Constant>): GraphNode {
  const { flow } = coupling;
  const record = recordOf(flow.ops, node);
  const touched = [...node.inputs, ...node.outputs].some((value) => value && live.isTouched(value));
  if (!record.rewrite || !touched) return node;
  const attributes: Record<string, Attribute> = { ...node.attributes };
  const inputs = [...node.inputs];
  const typeOf = (value: string) => flow.types.get(value)!;
  const context: RewriteContext = {
    node,
    opset: flow.graph.opset,
    has: (i) => Boolean(node.inputs[i]),
    oldInput: (i) => typeOf(node.inputs[i]),
    oldOutput: (k) => typeOf(node.outputs[k]),
    keptInput: (i, axis) => live.keptOfValue(node.inputs[i]).get(axis),
    keptOutput: (k, axis) => live.keptOfValue(node.outputs[k]).get(axis),
    numbers: (i) => {
      const elements = node.inputs[i] ? typeOf(node.inputs[i]).elements : undefined;
      return elements?.every((element) => !isSymbolic(element)) ? (elements as readonly number[]) : undefined;
    },
    setAttribute: (name, attribute) => {
      attributes[name] = attribute;
    },
    setInput: (i, value: Tensor) => {
      const name = freshName(`${node.outputs[0]}/${i}`, constants);
      constants.set(name, constantOf(value));
      inputs[i] = name;
    },
    fail: (message) => {
      throw cannotCut(node, message);
    },
  };
  record.rewrite(context);
  return { ...node, attributes, inputs };
}

function freshName(base: string, taken: ReadonlyMap<string, unknown>): string {
  let name = base;
  for (let n = 1; taken.has(name); n++) name = `${base}_${n}`;
  return name;
}
