import { matches, uniform } from '@secateur/core';
import {
  constantOf,
  consumersOf,
  float32,
  type Graph,
  GraphBuilder,
  type GraphNode,
  ints,
  parameterNamed,
  SecateurError,
  toFloat32,
} from '@secateur/graph';
import { checkRange, checkWhole } from './check-range.js';
import type { Parameter, Values } from './parameters.js';

export interface LoraOptions {
  /** Rank of the update, >= 1. Default 8. */
  readonly rank?: number;
  /** The update counts `alpha / rank`. Default: the rank. */
  readonly alpha?: number;
  /** Which linear weights, by checkpoint name, `*` for any characters. Default: all. */
  readonly targets?: readonly string[];
  /** Of the first values of A. Default 0. */
  readonly seed?: number;
}

/** A model with low-rank updates beside its linear weights. */
export interface LoraGraph {
  readonly graph: Graph;
  /** The updates' factors; nothing else is trained. */
  readonly parameters: readonly Parameter[];
  /** The weights with the updates added, by constant: what to put into the model that was given. */
  merge(values: Values): Promise<Map<string, Float32Array>>;
}

interface Target {
  readonly value: string;
  readonly name: string;
  /** `[out, in]`, or `[in, out]` where the graph stores it transposed. */
  readonly shape: readonly number[];
  readonly isTransposed: boolean;
}

/**
 * Low-rank adaptation (Hu et al., 2106.09685): `W + alpha / rank * B A` takes the place of every linear weight `W [out, in]`,
 * with `A [rank, in]` drawn evenly from ±1/sqrt(in) and `B [out, rank]` zero at first. The sum is made once a run, so that any
 * operator that reads the weight may; the gradient is that of the factors alone.
 *
 * @throws {SecateurError} BAD_OPTION when no linear weight matches
 */
export function withLora(graph: Graph, options: LoraOptions = {}): LoraGraph {
  const { rank = 8, alpha = rank, targets = ['*'], seed = 0 } = options;
  checkWhole('lora.rank', rank, 1);
  checkRange('lora.alpha', alpha, 0);
  const linears = linearWeights(graph).filter(({ name }) => targets.some((pattern) => matches(pattern, name)));
  if (linears.length === 0) {
    throw new SecateurError('BAD_OPTION', `No linear weight is called ${targets.join(', ')}.`, {
      field: 'lora.targets',
    });
  }
  const builder = new GraphBuilder(graph.name, graph.opset);
  const parameters: Parameter[] = [];
  const renamed = new Map<string, string>();
  builder.scope('secateur.lora', () => {
    for (const [index, target] of linears.entries()) {
      const [a, b] = addFactors(builder, target, rank, (i) => uniform(seed, index, i));
      parameters.push(...[a, b].map((value) => parameterOf(builder, value)));
      const product = builder.op('MatMul', [b, a]);
      const placed = target.isTransposed ? builder.op('Transpose', [product], { perm: ints([1, 0]) }) : product;
      const update = builder.op('Mul', [placed, builder.scalar(alpha / rank)]);
      renamed.set(target.value, builder.op('Add', [target.value, update]));
    }
  });
  const nodes = graph.nodes.map((node) => withInputs(node, renamed));
  return {
    graph: {
      ...graph,
      nodes: [...builder.nodes, ...nodes],
      constants: new Map([...graph.constants, ...builder.constants]),
    },
    parameters,
    async merge(values) {
      const merged = new Map<string, Float32Array>();
      for (const target of linears) {
        const weight = toFloat32(await graph.constants.get(target.value)!.read());
        const [a, b] = factorNames(target).map((name) => values.get(name)!);
        merged.set(target.value, mergedWeight(weight, a, b, target, rank, alpha / rank));
      }
      return merged;
    },
  };
}

/** Weights of two axes that matrix products read, and nothing else does. */
function linearWeights(graph: Graph): Target[] {
  const consumers = consumersOf(graph);
  return [...graph.constants].flatMap(([value, { shape, dtype, parameter }]) => {
    const readers = consumers.get(value) ?? [];
    const isLinear =
      parameter &&
      !parameter.buffer &&
      dtype === 'float32' &&
      shape.length === 2 &&
      readers.length > 0 &&
      readers.every(({ op }) => op === 'MatMul' || op === 'Gemm');
    return isLinear ? [{ value, name: parameter.name, shape, isTransposed: parameter.axes[0] === 1 }] : [];
  });
}

function factorNames({ name }: Target): [a: string, b: string] {
  const module = name.replace(/\.weight$/, '');
  return [`${module}.lora_A.weight`, `${module}.lora_B.weight`];
}

function addFactors(
  builder: GraphBuilder,
  target: Target,
  rank: number,
  random: (i: number) => number,
): [a: string, b: string] {
  const [out, width] = target.isTransposed ? [target.shape[1], target.shape[0]] : target.shape;
  const [a, b] = factorNames(target);
  const bound = 1 / Math.sqrt(width);
  const first = Float32Array.from({ length: rank * width }, (_, i) => bound * (2 * random(i) - 1));
  builder.constant(a, constantOf(float32([rank, width], first), parameterNamed(a, [rank, width])));
  builder.constant(b, constantOf(float32([out, rank], new Float32Array(out * rank)), parameterNamed(b, [out, rank])));
  return [a, b];
}

function parameterOf(builder: GraphBuilder, value: string): Parameter {
  return { value, name: value, shape: builder.constants.get(value)!.shape, inputAxis: 1, outputAxis: 0 };
}

function withInputs(node: GraphNode, renamed: ReadonlyMap<string, string>): GraphNode {
  if (!node.inputs.some((input) => renamed.has(input))) return node;
  return { ...node, inputs: node.inputs.map((input) => renamed.get(input) ?? input) };
}

function mergedWeight(
  weight: Float32Array,
  a: Float32Array,
  b: Float32Array,
  { shape, isTransposed }: Target,
  rank: number,
  scale: number,
): Float32Array {
  const [out, width] = isTransposed ? [shape[1], shape[0]] : shape;
  const merged = weight.slice();
  for (let o = 0; o < out; o++) {
    for (let i = 0; i < width; i++) {
      let sum = 0;
      for (let r = 0; r < rank; r++) sum += b[o * rank + r] * a[r * width + i];
      merged[isTransposed ? i * out + o : o * width + i] += scale * sum;
    }
  }
  return merged;
}
