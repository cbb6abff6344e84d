import type { MetricBatch } from '@secateur/core';
import { SecateurError, toFloat32 } from '@secateur/graph';

/** Most bytes of features that are kept of one side. */
const MOST_BYTES = 2 ** 31;

/** Features of all pictures of one side, for what looks at pairs of them. */
export interface FeatureStore {
  readonly count: number;
  readonly dims: number;
  /** `[count, dims]`, float32 */
  rows(): Float32Array;
}

export interface FeatureStores {
  readonly actual: FeatureStore;
  readonly reference: FeatureStore;
  add(batch: MetricBatch): void;
}

/** @param plugin  metric that keeps them, for messages */
export function featureStores(plugin: string): FeatureStores {
  const sides = { actual: createStore(plugin), reference: createStore(plugin) };
  return {
    ...sides,
    add(batch) {
      for (const side of ['actual', 'reference'] as const) {
        const tensor = batch[side];
        if (tensor) sides[side].add(toFloat32(tensor), tensor.shape[1]);
      }
    },
  };
}

function createStore(plugin: string): FeatureStore & { add(rows: Float32Array, dims: number): void } {
  let parts: Float32Array[] = [];
  let length = 0;
  let dims = 0;
  return {
    get count() {
      return dims === 0 ? 0 : length / dims;
    },
    get dims() {
      return dims;
    },
    add(rows, width) {
      dims = width;
      length += rows.length;
      if (length * 4 > MOST_BYTES) {
        const message = `"${plugin}" keeps the features of all pictures: ${length / dims} × ${dims} are more than ${MOST_BYTES} bytes.`;
        throw new SecateurError('BAD_DATA', message, { plugin, hint: 'Take fewer pictures, or fd, which keeps none.' });
      }
      parts.push(rows);
    },
    rows() {
      if (parts.length === 1) return parts[0];
      const joined = new Float32Array(length);
      let offset = 0;
      for (const part of parts) {
        joined.set(part, offset);
        offset += part.length;
      }
      parts = [joined];
      return joined;
    },
  };
}
