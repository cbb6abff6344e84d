import { type Constant, type Graph, SecateurError, type Tensor } from '@secateur/graph';
import { applyMask } from './masks/mask.js';
import type { Masks } from './selector.js';

/** The graph with masked elements of its parameters set to zero. Masks are in the stored layout. */
export function applyMasks(graph: Graph, masks: Masks): Graph {
  const constants = new Map<string, Constant>(graph.constants);
  const left = new Set(masks.keys());
  for (const [value, constant] of graph.constants) {
    const name = constant.parameter?.name;
    const mask = name === undefined ? undefined : masks.get(name);
    if (!mask) continue;
    left.delete(name!);
    const zero = (tensor: Tensor): Tensor => ({ ...tensor, data: applyMask(mask, tensor.data as Float32Array) });
    constants.set(value, {
      ...constant,
      value: constant.value && zero(constant.value),
      read: async (as) => zero(await constant.read(as)),
      location: undefined,
    });
  }
  if (left.size > 0) {
    throw new SecateurError('BAD_OPTION', `There is no parameter "${[...left][0]}" to mask.`, { field: [...left][0] });
  }
  return { ...graph, constants };
}
