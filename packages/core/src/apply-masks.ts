import { type Allocate, type Constant, type Graph, SecateurError, type Tensor } from '@secateur/graph';
import { applyMask, applyMaskInPlace } from './masks/mask.js';
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
    const read = async (as?: 'stored', allocate: Allocate = newBytes): Promise<Tensor> => {
      let ours: ArrayBuffer | undefined;
      const tensor = await constant.read(as, (bytes) => {
        const memory = allocate(bytes);
        ours = memory.buffer;
        return memory;
      });
      if (tensor.data.buffer !== ours) return zero(tensor);
      applyMaskInPlace(mask, tensor.data as Float32Array);
      return tensor;
    };
    constants.set(value, {
      ...constant,
      value: constant.value && zero(constant.value),
      read,
      location: undefined,
    });
  }
  if (left.size > 0) {
    throw new SecateurError('BAD_OPTION', `There is no parameter "${[...left][0]}" to mask.`, { field: [...left][0] });
  }
  return { ...graph, constants };
}

function newBytes(bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
