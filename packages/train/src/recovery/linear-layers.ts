import { consumersOf, type Graph, type GraphNode, getFloat, getInt, getInts, producersOf } from '@secateur/graph';

/** A product with a weight of the checkpoint: `y = W x + b` at every position. */
export interface LinearLayer {
  /** Of the weight, in the checkpoint. */
  readonly name: string;
  readonly node: GraphNode;
  /** Constant of the weight. */
  readonly weight: string;
  /** Whether the constant is `[in, out]`. */
  readonly isTransposed: boolean;
  /** Constant of the bias, where the node adds one itself. */
  readonly bias?: string;
  readonly x: string;
  readonly y: string;
  /** `[out, inputs of one output]`: inputs of a convolution are channels times taps. */
  readonly size: readonly [out: number, inputs: number];
}

/** The products with weights of their own, in the graph's order. Grouped convolutions and shared weights are left out. */
export function linearLayers(graph: Graph): LinearLayer[] {
  const producers = producersOf(graph);
  const consumers = consumersOf(graph);
  return graph.nodes.flatMap((node) => {
    const layer = layerOf(graph, node, producers);
    return layer && consumers.get(layer.weight)!.length === 1 ? [layer] : [];
  });
}

function layerOf(graph: Graph, node: GraphNode, producers: ReadonlyMap<string, GraphNode>): LinearLayer | undefined {
  const { op, inputs, outputs } = node;
  if (op === 'MatMul') {
    const turned = producers.get(inputs[1]);
    const isTurned = turned?.op === 'Transpose' && getInts(turned, 'perm')?.join() === '1,0';
    return layer(graph, node, isTurned ? turned.inputs[0] : inputs[1], !isTurned);
  }
  const isPlainConv = op === 'Conv' && getInt(node, 'group', 1) === 1;
  const isPlainGemm =
    op === 'Gemm' &&
    getInt(node, 'transB', 0) === 1 &&
    getInt(node, 'transA', 0) === 0 &&
    getFloat(node, 'alpha', 1) === 1 &&
    getFloat(node, 'beta', 1) === 1;
  if ((!isPlainConv && !isPlainGemm) || outputs.length !== 1) return undefined;
  return layer(graph, node, inputs[1], false, inputs[2]);
}

function layer(
  graph: Graph,
  node: GraphNode,
  weight: string,
  isTransposed: boolean,
  bias?: string,
): LinearLayer | undefined {
  const constant = graph.constants.get(weight);
  if (!constant?.parameter || constant.dtype !== 'float32' || constant.shape.length < 2) return undefined;
  // A bias that is computed cannot be written back.
  if (bias && !graph.constants.get(bias)?.parameter) return undefined;
  const { shape, parameter } = constant;
  const size = isTransposed ? ([shape[1], shape[0]] as const) : ([shape[0], product(shape.slice(1))] as const);
  return {
    name: parameter.name,
    node,
    weight,
    isTransposed,
    bias: bias || undefined,
    x: node.inputs[0],
    y: node.outputs[0],
    size,
  };
}

function product(dims: readonly number[]): number {
  return dims.reduce((a, b) => a * b, 1);
}
