import { type Graph, type GraphNode, getInt } from '../graph.js';
import { inferTypes, type UnknownOp, unknownOps } from '../infer.js';
import { type OpSet, opKey } from '../op-record.js';
import { defaultOps } from '../ops/index.js';
import { sizeOf } from '../tensor.js';
import type { ConstantAxis } from './flow.js';
import { type Coupling, couple, type NotPruned } from './groups.js';

/**
 * The part of a graph that depends on no operator without a record: types and multiply-adds can be worked out in it. What
 * operators beyond it read are outputs.
 */
export function knownPart(graph: Graph, ops: OpSet = defaultOps): Graph {
  if (unknownOps(graph, ops).length === 0) return graph;
  const made = new Set([...graph.inputs.map(({ name }) => name), ...graph.constants.keys(), '']);
  const nodes: GraphNode[] = [];
  const read = new Set(graph.outputs.map(({ name }) => name));
  for (const node of graph.nodes) {
    if (ops.has(opKey(node.op, node.domain)) && node.inputs.every((input) => made.has(input))) {
      nodes.push(node);
      for (const output of node.outputs) made.add(output);
    } else for (const input of node.inputs) read.add(input);
  }
  const part = { ...graph, nodes, outputs: [] };
  const types = inferTypes(part, { ops });
  const outputs = nodes
    .flatMap((node) => node.outputs)
    .filter((name) => name !== '' && read.has(name))
    .map((name) => ({ name, dtype: types.get(name)!.dtype, shape: types.get(name)!.shape }));
  return { ...part, outputs };
}

/**
 * As `couple`; for a graph with operators that have no record a coupling without groups, whose `notPruned` names them. It
 * tells which constants are weights of convolutions and linears, which is all that methods over single weights need.
 */
export function coupleKnown(graph: Graph, options: { ops?: OpSet } = {}): Coupling {
  const { ops = defaultOps } = options;
  const unknown = unknownOps(graph, ops);
  if (unknown.length === 0) return couple(graph, { ops });
  const { flow } = couple(knownPart(graph, ops), { ops });
  const seen = new Set(flow.constantAxes.map(({ value, axis }) => `${value} ${axis}`));
  const beyond = graph.nodes.flatMap(consumersIn).filter(({ value, axis }) => {
    const key = `${value} ${axis}`;
    return graph.constants.get(value)?.parameter !== undefined && !seen.has(key) && seen.add(key);
  });
  const own = [...graph.constants.values()].flatMap(({ parameter, shape }) =>
    parameter && !parameter.buffer ? [{ tensor: parameter.name, parameters: sizeOf(shape) }] : [],
  );
  return {
    groups: [],
    norms: [],
    notPruned: own.map((one): NotPruned => ({ ...one, axis: null, reason: reasonOf(unknown[0]) })),
    modulations: [],
    depth: [],
    parameters: own.reduce((sum, { parameters }) => sum + parameters, 0),
    covered: 0,
    flow: { ...flow, graph, constantAxes: [...flow.constantAxes, ...beyond] },
    atoms: new Map(),
  };
}

function reasonOf({ op, domain, node }: UnknownOp): string {
  return `operator ${domain ? `${domain}.` : ''}${op} of node "${node}" is not known`;
}

/** Axes along which a convolution or a linear sums over its constant operands. */
function consumersIn(node: GraphNode): ConstantAxis[] {
  const at = (input: number, axis: number): ConstantAxis[] => {
    const value = node.inputs[input];
    return value ? [{ value, axis, role: 'consumer', slots: new Int32Array(0) }] : [];
  };
  if (node.domain !== '') return [];
  switch (node.op) {
    case 'Conv':
      return at(1, 1);
    case 'ConvTranspose':
      return at(1, 0);
    case 'MatMul':
      return at(1, 0);
    case 'Gemm':
      return at(1, getInt(node, 'transB', 0) === 1 ? 1 : 0);
  }
  return [];
}
