import { type Constant, castTensor, type DType, type Graph, int, isFloat, sizeOf } from '@secateur/graph';
import { DATA_TYPES } from '../data-types.js';
import { withStoredConstants } from './stored-constants.js';

/** Below this many elements a conversion saves nothing worth a node. */
const MIN_ELEMENTS = 64;

/**
 * Stores floating-point weights as `dtype`, followed by a `Cast` to the type the graph computes in. Inputs, outputs and
 * arithmetic stay as they are: a half-precision graph needs care at every norm and softmax, a smaller file does not. Tables
 * that loaders compute, such as frequencies of positions, stay as well: half precision would be too coarse for them.
 */
export function convertWeights(graph: Graph, dtype: DType): Graph {
  return withStoredConstants(graph, (_, constant) => {
    const { parameter } = constant;
    const isWeight = parameter !== undefined && !parameter.computed && sizeOf(constant.shape) >= MIN_ELEMENTS;
    if (!isWeight || !isFloat(constant.dtype) || constant.dtype === dtype) return undefined;
    return {
      constant: cast(constant, dtype),
      op: 'Cast',
      attributes: { to: int(DATA_TYPES[constant.dtype]) },
    };
  });
}

function cast({ shape, parameter, read }: Constant, dtype: DType): Constant {
  return { dtype, shape, parameter, read: async () => castTensor(await read('stored'), dtype) };
}
