import { type Graph, type GraphNode, opKey, symbol } from '@secateur/graph';
import { encodeOnnx } from '@secateur/onnx';
import { isUnknownOp, ortWords } from './ort-errors.js';
import type { OrtModule, OrtSessionOptions } from './ort-module.js';

/**
 * Every operator of the graph that this onnxruntime has none of, as `domain:op`, sorted. onnxruntime itself stops at the
 * first, so each operator is tried in a model of one node; what else is wrong with that model does not matter.
 */
export async function listUnknownOps(ort: OrtModule, graph: Graph, options: OrtSessionOptions): Promise<string[]> {
  const firsts = new Map<string, GraphNode>();
  for (const node of graph.nodes) {
    const key = opKey(node.op, node.domain);
    if (node.op !== 'GroupNormalization' && !firsts.has(key)) firsts.set(key, node);
  }
  const unknown: string[] = [];
  for (const [key, node] of firsts) {
    try {
      const session = await ort.InferenceSession.create(await encodeOnnx(probe(graph, node)), options);
      await session.release();
    } catch (error) {
      if (isUnknownOp(ortWords(error))) unknown.push(key.replace(/^:/, ''));
    }
  }
  return unknown.sort();
}

/** The node alone, with float32 inputs; constants stay out, as they may be large. */
function probe(graph: Graph, node: GraphNode): Graph {
  const value = (name: string) => ({ name, dtype: 'float32' as const, shape: [symbol('n')] });
  const inputs = [...new Set(node.inputs)].filter((name) => name !== '');
  const outputs = node.outputs.filter((name) => name !== '');
  return {
    ...graph,
    inputs: inputs.map(value),
    outputs: outputs.map(value),
    nodes: [node],
    constants: new Map(),
    metadata: {},
  };
}
