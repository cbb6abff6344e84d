/**
 * Weights computed from a tensor's name, so that fixtures need not store them: `weight` of
 * tools/reference/unet2d_variants.py. Numbers of a 32-bit linear congruential generator started by the FNV-1a hash of the
 * name, scaled by the fan-in.
 */
export function namedWeights(name: string, shape: readonly number[]): Float32Array {
  let state = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) state = Math.imul(state ^ byte, 0x01000193) >>> 0;
  const sizeOf = (dims: readonly number[]): number => dims.reduce((size, dim) => size * dim, 1);
  const values = new Float32Array(sizeOf(shape));
  for (let i = 0; i < values.length; i++) {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    const value = (state >>> 8) / 2 ** 23 - 1;
    if (shape.length > 1) values[i] = value * Math.sqrt(3 / sizeOf(shape.slice(1)));
    else values[i] = name.endsWith('weight') ? 1 + 0.2 * value : 0.1 * value;
  }
  return values;
}
