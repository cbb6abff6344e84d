import type { Coupling } from '../coupling/groups.js';
import type { DepthUnit } from '../depth/depth-units.js';
import { type Dim, dimEquals } from '../dim.js';
import { SecateurError } from '../errors.js';
import { constantOf, type Graph, type GraphNode, type ValueInfo } from '../graph.js';
import { int64 } from '../tensor.js';

/** The switch of one depth unit. */
export interface Gate {
  /** Id of the unit. */
  readonly unit: string;
  /** Name of the input, `bool`: 1 leaves the unit as it is, 0 gives what is left when it is removed. */
  readonly input: string;
  /** Whether the input has a number for every row of the batch, `[batch]`; else it is `[1]` for all rows. */
  readonly perRow: boolean;
}

export interface GatedGraph {
  readonly graph: Graph;
  /** In the order of the units. */
  readonly gates: readonly Gate[];
}

const PREFIX = 'secateur.gate';

/**
 * A graph in which depth units can be switched off between runs: one input for each. With gates at 0 the outputs are those
 * of the graph without these units; a selection, not a product, so that what goes does not reach them, whatever it holds.
 *
 * @param graph  the coupling's, or one with outputs of its own added
 * @throws {SecateurError} BAD_OPTION when a unit's value is not in the graph
 */
export function gateUnits(coupling: Coupling, graph: Graph, units: readonly DepthUnit[]): GatedGraph {
  const { types } = coupling.flow;
  const [batch] = shapeOf(types, graph.outputs[0].name);
  const constants = new Map(graph.constants);
  const gates = units.map((unit, i): Gate => {
    const firsts = unit.bypasses.map(({ value }) => shapeOf(types, value)[0]);
    const perRow = batch !== undefined && firsts.every((first) => first !== undefined && dimEquals(first, batch));
    return { unit: unit.id, input: `${PREFIX}.${i}`, perRow };
  });
  // Of two ways to leave one layer out, removal takes the one that hands on the input without the skip: it comes last.
  const order = [...units.keys()].sort((a, b) => Number(isPass(units[a])) - Number(isPass(units[b])) || a - b);
  const before: GraphNode[] = [];
  const switches = new Map<string, Switch[]>();
  for (const at of order) {
    for (const [i, { value, by }] of units[at].bypasses.entries()) {
      const { input } = gates[at];
      const gate = `${input}.${i}`;
      const ones = shapeOf(types, value)
        .slice(1)
        .map(() => 1);
      constants.set(`${gate}.shape`, constantOf(int64([-1, ...ones])));
      before.push(nodeOf('Reshape', [input, `${gate}.shape`], gate));
      switches.set(value, [...(switches.get(value) ?? []), { gate, by }]);
    }
  }
  const inputs = gates.map(({ input, perRow }): ValueInfo => {
    return { name: input, dtype: 'bool', shape: [perRow ? (batch as Dim) : 1] };
  });
  const nodes = [...before, ...graph.nodes.flatMap((node) => switched(node, switches))];
  return { graph: { ...graph, inputs: [...graph.inputs, ...inputs], nodes, constants }, gates };
}

/** What is read in the place of a value while a gate is at 0. */
interface Switch {
  readonly gate: string;
  readonly by: string;
}

const isPass = ({ treatment }: DepthUnit): boolean => treatment === 'pass';

function shapeOf(types: Coupling['flow']['types'], value: string): readonly Dim[] {
  const type = types.get(value);
  if (type) return type.shape;
  throw new SecateurError('BAD_OPTION', `The graph has no value "${value}".`, { field: value });
}

/**
 * A node and the selections behind it. They take over the names of its outputs, so that all readers get what is selected:
 * also the units that are gated themselves.
 */
function switched(node: GraphNode, switches: ReadonlyMap<string, readonly Switch[]>): GraphNode[] {
  if (!node.outputs.some((output) => switches.has(output))) return [node];
  const whole = (value: string): string => (switches.has(value) ? `${value}/whole` : value);
  const selections = node.outputs.flatMap((value) => {
    const list = switches.get(value) ?? [];
    let current = whole(value);
    return list.map(({ gate, by }, i) => {
      const result = i === list.length - 1 ? value : `${value}/${gate}`;
      const selection = nodeOf('Where', [gate, current, by], result);
      current = result;
      return selection;
    });
  });
  return [{ ...node, outputs: node.outputs.map(whole) }, ...selections];
}

function nodeOf(op: string, inputs: readonly string[], output: string): GraphNode {
  return { name: `${output}/${op}`, op, domain: '', inputs: [...inputs], outputs: [output], attributes: {}, scope: '' };
}
