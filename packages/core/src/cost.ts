import { bytesPerElement, countMacs, type Graph, knownPart, type OpSet, sizeOf, type ValueType } from '@secateur/graph';
import type { Cost } from './budget.js';
import type { Model } from './model.js';

/**
 * Parameters, MACs and bytes of a model for one sample of its usual size. Reads no weights. What depends on operators that
 * are not known adds no MACs.
 * @param options.types  of the graph's values, where they are known already, e.g. a coupling's `flow.types`
 */
export function costOf(
  model: Pick<Model, 'graph' | 'sizes'>,
  options: { ops?: OpSet; types?: ReadonlyMap<string, ValueType> } = {},
): Cost {
  const { weights, products } = countMacs(knownPart(model.graph, options.ops), {
    ...options,
    symbols: { ...model.sizes, batch: 1 },
  });
  return { ...storageOf(model.graph), macs: weights, attentionMacs: products };
}

function storageOf(graph: Graph): Pick<Cost, 'parameters' | 'bytes'> {
  let parameters = 0;
  let bytes = 0;
  for (const constant of graph.constants.values()) {
    if (!constant.parameter) continue;
    const size = sizeOf(constant.shape);
    if (!constant.parameter.buffer) parameters += size;
    bytes += size * bytesPerElement(constant.storedAs ?? constant.dtype);
  }
  return { parameters, bytes };
}
