import { GraphBuilder } from '../builder.js';
import { SecateurError } from '../errors.js';
import { type Graph, type GraphNode, withoutDeadNodes } from '../graph.js';
import { inferTypes, recordOf } from '../infer.js';
import type { OpSet, ValueType } from '../op-record.js';
import { defaultOps } from '../ops/index.js';
import { isFloat } from '../tensor.js';
import { type BackwardPass, gradientContext } from './context.js';
import { type Dependence, dependenceOf } from './dependence.js';
import { addLoss, type Loss } from './loss.js';
import { raiseOpset } from './raise-opset.js';
import { zerosLike } from './zeros-like.js';

export interface GradientRequest {
  readonly loss: Loss;
  /** Names of the values whose gradients are wanted: constants or graph inputs, of a floating-point dtype. */
  readonly wrt: readonly string[];
  /** Whether the graph's own outputs stay. Default false. */
  readonly keepOutputs?: boolean;
  /** Operators known. Default: `defaultOps`. */
  readonly ops?: OpSet;
}

/**
 * The graph with its backward pass as ordinary ONNX nodes of the same opset (13 where it is older), so that any runtime can
 * run it.
 *
 * Inputs are those of the graph and the loss' `target` or `cotangent`. Outputs are `loss` `[]`, `loss.samples` `[batch]`
 * (the loss of every sample: for `mse` their mean is `loss`, for `sum-with` their sum) and `grad.<value>` for every value
 * of `wrt`, in its own shape and dtype; zeros where the output does not depend on it. Nodes that no output needs are gone.
 *
 * @throws {SecateurError} NO_GRADIENT listing every operator on the way that has no rule; BAD_OPTION for a name that is
 * unknown, of integers, or taken; UNKNOWN_OP, SHAPE_MISMATCH as `inferTypes`
 */
export function gradient(original: Graph, request: GradientRequest): Graph {
  const ops = request.ops ?? defaultOps;
  const graph = raiseOpset(original, ops);
  const types = inferTypes(graph, { ops });
  const { loss, wrt } = request;
  checkRequest(request, types);
  const builder = forwardBuilder(graph, request.keepOutputs ?? false);
  const dependence = dependenceOf(graph, types, ops, loss.output, wrt);
  builder.scope(unusedPrefix(graph), () => {
    const seed = addLoss(builder, graph.opset, loss, types.get(loss.output)!);
    const pass: BackwardPass = { graph, builder, types, wanted: dependence.values, shapes: new Map() };
    const gradients = walkBack(pass, dependence, ops, loss.output, seed);
    for (const name of new Set(wrt)) {
      const { dtype, shape } = types.get(name)!;
      builder.output(gradients(name) ?? zerosLike(builder, name, types.get(name)!), dtype, shape, `grad.${name}`);
    }
  });
  return withoutDeadNodes({ ...builder.build(graph.metadata), domains: graph.domains });
}

/** A builder that holds the graph already. */
function forwardBuilder(graph: Graph, keepOutputs: boolean): GraphBuilder {
  const builder = new GraphBuilder(graph.name, graph.opset);
  for (const { name, dtype, shape } of graph.inputs) builder.input(name, dtype, shape);
  for (const [name, constant] of graph.constants) builder.constant(name, constant);
  builder.nodes.push(...graph.nodes);
  if (keepOutputs) builder.outputs.push(...graph.outputs);
  return builder;
}

/** A name that no node or value of the graph starts with, so that none of the new names is taken. */
function unusedPrefix(graph: Graph): string {
  const names = [...graph.nodes.flatMap((node) => [node.name, ...node.outputs]), ...graph.constants.keys()];
  let prefix = 'backward';
  for (let i = 1; names.some((name) => name.startsWith(`${prefix}/`)); i++) prefix = `backward_${i}`;
  return prefix;
}

/** Runs the nodes' rules from the output back. Returns the total gradient of a value, if it has one. */
function walkBack(
  pass: BackwardPass,
  { nodes, values }: Dependence,
  ops: OpSet,
  output: string,
  seed: string,
): (name: string) => string | undefined {
  const parts = new Map<string, string[]>();
  if (values.has(output)) parts.set(output, [seed]);
  const total = (name: string): string | undefined => {
    const list = parts.get(name);
    if (!list) return undefined;
    const sum = list.reduce((a, b) => pass.builder.op('Add', [a, b]));
    parts.set(name, [sum]);
    return sum;
  };
  const failures: SecateurError[] = [];
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    pass.builder.scope(node.scope || node.op, () => {
      const inputGradients = gradientsOf(pass, node, ops, node.outputs.map(total), failures);
      node.inputs.forEach((input, k) => {
        const part = inputGradients[k];
        if (part === undefined || !values.has(input)) return;
        const list = parts.get(input);
        if (list) list.push(part);
        else parts.set(input, [part]);
      });
    });
  }
  if (failures.length > 0) throw combined(failures);
  return total;
}

function gradientsOf(
  pass: BackwardPass,
  node: GraphNode,
  ops: OpSet,
  outputGradients: readonly (string | undefined)[],
  failures: SecateurError[],
): (string | undefined)[] {
  const rule = recordOf(ops, node).gradient;
  if (rule === 'none' || !outputGradients.some(Boolean)) return [];
  try {
    return rule(gradientContext(pass, node, outputGradients));
  } catch (error) {
    if (!(error instanceof SecateurError) || error.code !== 'NO_GRADIENT') throw error;
    failures.push(error);
    // The walk goes on with values of the right shape, to find all operators that fail at once.
    return [...node.inputs];
  }
}

function combined(failures: readonly SecateurError[]): SecateurError {
  if (failures.length === 1) return failures[0];
  return new SecateurError('NO_GRADIENT', failures.map((failure) => failure.message).join(' '), {
    field: failures[0].field,
    hint: 'Ask for the gradients of values after these nodes, or export the model without these operators.',
  });
}

function checkRequest({ loss, wrt }: GradientRequest, types: ReadonlyMap<string, ValueType>): void {
  for (const name of [loss.output, ...wrt]) {
    const type = types.get(name);
    if (type && isFloat(type.dtype)) continue;
    const trouble = type ? `holds ${type.dtype}; a floating-point value expected` : 'is not a value of the graph';
    throw new SecateurError('BAD_OPTION', `"${name}" ${trouble}.`, { field: name });
  }
  const added = [loss.kind === 'mse' ? (loss.target ?? 'target') : loss.cotangent, 'loss', 'loss.samples'];
  for (const name of [...added, ...wrt.map((value) => `grad.${value}`)]) {
    if (types.has(name)) {
      throw new SecateurError('BAD_OPTION', `The graph has a value "${name}" already, which the gradient would add.`, {
        field: name,
      });
    }
  }
}
