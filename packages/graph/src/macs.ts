import { evaluateDim } from './dim.js';
import { SecateurError } from './errors.js';
import type { Graph, GraphNode } from './graph.js';
import { inferContext, inferTypes, recordOf } from './infer.js';
import type { MacsContext, OpSet, ValueType } from './op-record.js';
import { defaultOps } from './ops/index.js';

export interface MacsOptions {
  /** Values of the graph's symbols, e.g. `{ height: 32, width: 32 }`. `batch` is 1 unless given. */
  symbols?: Readonly<Record<string, number>>;
  ops?: OpSet;
  /** Types of the graph's values, where they are known already, e.g. a coupling's `flow.types`. Default: inferred. */
  types?: ReadonlyMap<string, ValueType>;
}

/** Multiply-adds, as numbers. See `Macs`. */
export interface MacCount {
  readonly weights: number;
  readonly products: number;
}

export interface GraphMacs extends MacCount {
  /** Counts by the scope of the nodes that do the work; scopes that do none are left out. */
  readonly byScope: ReadonlyMap<string, MacCount>;
  /** Counts by position in `graph.nodes`; nodes that do no work are left out. */
  readonly byNode: ReadonlyMap<number, MacCount>;
}

/**
 * Multiply-adds of one run. A convolution or linear with a weight counts as `weights`, also when the weight is
 * transposed or cast first; a MatMul of two activations (attention) as `products`. Biases are not counted.
 *
 * @throws {SecateurError} SHAPE_MISMATCH naming the symbol that has no value
 */
export function countMacs(graph: Graph, options: MacsOptions = {}): GraphMacs {
  const ops = options.ops ?? defaultOps;
  const symbols = { batch: 1, ...options.symbols };
  const types = options.types ?? inferTypes(graph, { ops });
  const constants = valuesFromConstants(graph);
  const byScope = new Map<string, MacCount>();
  const byNode = new Map<number, MacCount>();
  let weights = 0;
  let products = 0;
  for (const [at, node] of graph.nodes.entries()) {
    const record = recordOf(ops, node);
    if (!record.macs) continue;
    const macs = record.macs(macsContext(graph, node, types, constants));
    const count = { weights: sizeAt(macs.weights, node, symbols), products: sizeAt(macs.products, node, symbols) };
    if (count.weights === 0 && count.products === 0) continue;
    byNode.set(at, count);
    const before = byScope.get(node.scope) ?? { weights: 0, products: 0 };
    byScope.set(node.scope, {
      weights: before.weights + count.weights,
      products: before.products + count.products,
    });
    weights += count.weights;
    products += count.products;
  }
  return { weights, products, byScope, byNode };
}

function sizeAt(dim: Parameters<typeof evaluateDim>[0], node: GraphNode, symbols: Record<string, number>): number {
  try {
    return evaluateDim(dim, symbols);
  } catch (cause) {
    if (!(cause instanceof SecateurError)) throw cause;
    throw new SecateurError(cause.code, `MACs of ${node.op} "${node.name}": ${cause.message}`, {
      field: cause.field,
      hint: `Give a size for it in \`symbols\`, e.g. { ${cause.field}: 32 }.`,
      cause,
    });
  }
}

/** Constants, and what nodes make of constants alone. */
function valuesFromConstants(graph: Graph): Set<string> {
  const values = new Set(graph.constants.keys());
  for (const node of graph.nodes) {
    if (node.inputs.every((name) => !name || values.has(name))) for (const output of node.outputs) values.add(output);
  }
  return values;
}

function macsContext(
  graph: Graph,
  node: GraphNode,
  types: ReadonlyMap<string, ValueType>,
  constants: ReadonlySet<string>,
): MacsContext {
  return {
    ...inferContext(graph, node, types),
    output: (k) => types.get(node.outputs[k])!,
    isConstant: (i) => constants.has(node.inputs[i]),
    constantOf: (i) => graph.constants.get(node.inputs[i]),
  };
}
