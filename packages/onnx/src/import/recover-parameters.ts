import {
  type Constant,
  consumersOf,
  type Graph,
  type GraphNode,
  getInt,
  isFloat,
  type ParameterIdentity,
  producersOf,
  type Tensor,
  toFloat32,
} from '@secateur/graph';
import { isGeneratedName } from './generated-names.js';
import { wrapperPrefix } from './wrapper-prefix.js';

export interface RecoverOptions {
  /** Prefix, dot included, that the export put before every name. Default: worked out, see {@link wrapperPrefix}. */
  prefix?: string;
}

/** Tensors that checkpoints store and training does not touch. */
const BUFFERS = /(^|\.)(running_mean|running_var|num_batches_tracked|position_ids|pos_embed)$/;

/** Names of tied weights that exporters keep, by which checkpoints do not: T5 stores its one table as `shared.weight`. */
const TIED: ReadonlyMap<string, string> = new Map([['encoder.embed_tokens.weight', 'shared.weight']]);

/** A checkpoint tensor that a constant seems to be. */
interface Claim {
  readonly name: string;
  readonly axes: readonly (number | null)[];
}

/**
 * Gives constants back their checkpoint names and axes ({@link ParameterIdentity}), and nodes the scopes of the
 * checkpoint's modules.
 *
 * Exporters keep most names. Where they fold a transposition or a reshape into a weight they make up a new name
 * (`onnx::MatMul_1061`); then the node that reads it tells: a `MatMul` in scope `down_blocks.1.attentions.0.to_q` reads
 * that module's `weight`, transposed; the `Mul` and `Add` after a group normalisation in scope `norm1` read `norm1.weight`
 * and `norm1.bias` of `[channels, 1, 1]`. PyTorch's newer exporter says itself which initialisers are the model's.
 *
 * A graph in which any constant has an identity, as in files that we wrote, is left as it is.
 */
export function recoverParameters(graph: Graph, options: RecoverOptions = {}): Graph {
  if ([...graph.constants.values()].some((constant) => constant.parameter)) return graph;
  const claims = new Map<string, Claim>();
  const claimed = new Set<string>();
  const candidates = [...graph.constants].filter(([, constant]) => isFloat(constant.dtype));
  const named = candidates.filter(([name, { declared }]) =>
    declared ? declared !== 'computed' : !isGeneratedName(name),
  );
  // A wrapper that calls a method of the model other than `forward` is in the weights' names but not in the scopes.
  const scopes = graph.nodes.flatMap(({ scope }) => (scope ? [`${scope}.weight`] : []));
  const prefix = options.prefix ?? wrapperPrefix(named.length > 0 ? named.map(([name]) => name) : scopes);
  for (const [name, constant] of named) {
    const own = withoutPrefix(name, prefix);
    const claim = { name: TIED.get(own) ?? own, axes: constant.shape.map((_, axis) => axis) };
    claims.set(name, claim);
    claimed.add(claim.name);
  }
  const nodes = graph.nodes.map((node) => ({ ...node, scope: withoutPrefix(`${node.scope}.`, prefix).slice(0, -1) }));
  const consumers = consumersOf({ ...graph, nodes });
  const producers = producersOf({ ...graph, nodes });
  for (const [name, constant] of candidates) {
    if (claims.has(name)) continue;
    for (const node of consumers.get(name) ?? []) {
      const claim = claimByReader(name, constant, node, producers);
      if (!claim || claimed.has(claim.name)) continue;
      claims.set(name, claim);
      claimed.add(claim.name);
      break;
    }
  }
  const constants = new Map(
    [...graph.constants].map(([name, constant]) => {
      const claim = claims.get(name);
      const { declared, ...rest } = constant;
      return [name, claim ? { ...rest, parameter: identity(claim, constant) } : rest];
    }),
  );
  return { ...graph, nodes, constants };
}

/** What a constant with a made-up name is, judged by one node that reads it. */
function claimByReader(
  name: string,
  { shape, value }: Constant,
  node: GraphNode,
  producers: ReadonlyMap<string, GraphNode>,
): Claim | undefined {
  if (node.op === 'Add' && isScaleShiftTable(shape, node.scope)) {
    return { name: [node.scope, 'scale_shift_table'].filter(Boolean).join('.'), axes: [null, 0, 1] };
  }
  if (!node.scope) return undefined;
  const weight = (axes: Claim['axes']): Claim => ({ name: `${node.scope}.weight`, axes });
  const bias = (axes: Claim['axes']): Claim => ({ name: `${node.scope}.bias`, axes });
  const same = shape.map((_, axis) => axis);
  const input = node.inputs.indexOf(name);
  switch (node.op) {
    case 'MatMul':
      return input === 1 && shape.length === 2 ? weight([1, 0]) : undefined;
    case 'Gemm':
      if (input === 2) return shape.length === 1 ? bias(same) : undefined;
      return input === 1 ? weight(getInt(node, 'transB', 0) ? same : [1, 0]) : undefined;
    case 'LayerNormalization':
      if (isNeutral(value, input === 1 ? 1 : 0)) return undefined;
      return input === 1 ? weight(same) : input === 2 ? bias(same) : undefined;
    case 'Conv':
    case 'ConvTranspose':
    case 'GroupNormalization':
      return input === 1 ? weight(same) : input === 2 ? bias(same) : undefined;
    case 'Gather':
      return input === 0 && shape.length === 2 ? weight(same) : undefined;
    case 'Mul':
    case 'Add': {
      if (node.op === 'Add' && followsOwnMatMul(node, name, shape, producers)) return bias(same);
      const axes = channelAxes(shape);
      if (!axes || !followsGroupNorm(node, name, producers)) return undefined;
      return node.op === 'Mul' ? weight(axes) : bias(axes);
    }
  }
  return undefined;
}

/** Whether a norm's constant does nothing: exporters write one for norms that have no weights. */
function isNeutral(value: Tensor | undefined, neutral: number): boolean {
  return value !== undefined && toFloat32(value).every((number) => number === neutral);
}

/**
 * Whether a constant is what PixArt adds to the modulation of a block (`[1, 6, width]`) and of the output (`[1, 2, width]`):
 * a parameter of the block itself, folded together with the axis that it is given.
 */
function isScaleShiftTable(shape: readonly number[], scope: string): boolean {
  if (shape.length !== 3 || shape[0] !== 1) return false;
  return scope === '' ? shape[1] === 2 : shape[1] === 6 && /(^|\.)transformer_blocks\.\d+$/.test(scope);
}

/** `[0, null, …]` for a shape `[channels, 1, …]` of rank 2 or more. */
function channelAxes(shape: readonly number[]): (number | null)[] | undefined {
  if (shape.length < 2 || shape.slice(1).some((size) => size !== 1)) return undefined;
  return shape.map((_, axis) => (axis === 0 ? 0 : null));
}

/**
 * Whether `node` adds a bias to the product of its own module. Biases keep their names, but for a model in half precision
 * parts of which the exporter computes in single precision: their weights are converted, and named anew.
 */
function followsOwnMatMul(
  node: GraphNode,
  name: string,
  shape: readonly number[],
  producers: ReadonlyMap<string, GraphNode>,
): boolean {
  const product = producers.get(node.inputs.find((input) => input !== name) ?? '');
  return shape.length === 1 && product?.op === 'MatMul' && product.scope === node.scope;
}

/** Whether `node` is the Mul, or the Add after the Mul, of `InstanceNormalization -> Reshape -> Mul -> Add`. */
function followsGroupNorm(node: GraphNode, name: string, producers: ReadonlyMap<string, GraphNode>): boolean {
  const before = (reader: GraphNode, other: string): GraphNode | undefined =>
    producers.get(reader.inputs.find((input) => input !== other) ?? '');
  const previous = before(node, name);
  const reshape =
    node.op === 'Mul' ? previous : previous?.op === 'Mul' ? reshapeBefore(previous, producers) : undefined;
  return reshape?.op === 'Reshape' && producers.get(reshape.inputs[0] ?? '')?.op === 'InstanceNormalization';
}

function reshapeBefore(mul: GraphNode, producers: ReadonlyMap<string, GraphNode>): GraphNode | undefined {
  return mul.inputs.map((input) => producers.get(input)).find((producer) => producer?.op === 'Reshape');
}

function identity({ name, axes }: Claim, { shape, declared }: Constant): ParameterIdentity {
  const stored: number[] = [];
  for (const [i, axis] of axes.entries()) if (axis !== null) stored[axis] = shape[i]!;
  const buffer = declared ? declared === 'buffer' : BUFFERS.test(name);
  return { name, shape: stored, axes, ...(buffer ? { buffer } : {}) };
}

function withoutPrefix(name: string, prefix: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}
