import type { WeightShape } from './weight-shape.js';

/** Largest integers: 11 bits against 12-bit activations, 8 bits against 7-bit ones. */
const levels = { i16: 1023, s8: 127 } as const;
const activationLevels = { i16: 2047, s8: 127 } as const;

/**
 * Symmetric quantisation, one scale a row. The scale is the row's largest magnitude over the levels, or more where the row is so
 * long that its sum of products could leave 32 bits.
 *
 * @param weight  `[outputs, inputs]`
 * @returns `values: [outputs, inputs]`; `scale: [outputs]`, weight = value * scale; 0 for a row of zeros
 */
export function quantiseRows(
  weight: Float32Array,
  { outputs, inputs }: WeightShape,
  type: 'i16' | 's8',
  mask?: Uint8Array,
): { values: Int16Array | Int8Array; scale: Float32Array } {
  const values = type === 'i16' ? new Int16Array(weight.length) : new Int8Array(weight.length);
  const scale = new Float32Array(outputs);
  for (let row = 0; row < outputs; row++) {
    let largest = 0;
    let total = 0;
    for (let at = row * inputs; at < (row + 1) * inputs; at++) {
      if (mask?.[at] === 0) continue;
      largest = Math.max(largest, Math.abs(weight[at]));
      total += Math.abs(weight[at]);
    }
    if (largest === 0) continue;
    // Rounding adds at most a half to each magnitude.
    const mostTotal = (2 ** 31 - 1) / activationLevels[type] - inputs / 2;
    scale[row] = Math.max(largest / levels[type], total / mostTotal);
    for (let at = row * inputs; at < (row + 1) * inputs; at++) {
      if (mask?.[at] === 0) continue;
      const value = Math.round(weight[at] / scale[row]);
      values[at] = Math.max(-levels[type], Math.min(levels[type], value));
    }
  }
  return { values, scale };
}
