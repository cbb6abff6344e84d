import { isKept, type Mask } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import type { WeightMask } from './weight-mask.js';

/**
 * Masks that stay as they are, e.g. those a pruning run left behind: what is masked is zero and stays zero.
 *
 * @param masks  by checkpoint name
 */
export function fixedMask(masks: ReadonlyMap<string, Mask>): WeightMask {
  return {
    name: 'fixed',
    options: { tensors: masks.size },
    refresh: false,
    straightThrough: false,
    decay: 0,
    covers: ({ name }) => masks.has(name),
    write({ name, shape }, values, mask) {
      const found = masks.get(name)!;
      if (found.shape.reduce((a, b) => a * b, 1) !== values.length) {
        throw new SecateurError(
          'SHAPE_MISMATCH',
          `The mask of ${name} is [${found.shape}]; the weight is [${shape}].`,
          {
            field: name,
            hint: 'The masks belong to another model.',
          },
        );
      }
      for (let i = 0; i < mask.length; i++) mask[i] = isKept(found, i) ? 1 : 0;
    },
  };
}
