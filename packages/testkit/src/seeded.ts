/** A float32 tensor in memory, row-major; structurally a `Tensor` of `@secateur/graph`. */
export interface TestTensor {
  readonly dtype: 'float32';
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * A small generator for test data (mulberry32): uniform in [0, 1), the same on every machine. Not the one that makes
 * pictures, which follows PyTorch and lives in `@secateur/samplers`.
 */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Roughly normal values (mean 0, deviation `scale`, a sum of uniforms without any library function) of a shape. */
export function seededTensor(seed: number, shape: readonly number[], scale = 1): TestTensor {
  const random = seededRandom(seed);
  const data = new Float32Array(shape.reduce((size, dim) => size * dim, 1));
  // The sum of twelve uniforms has variance 1; exact arithmetic, so the same bits everywhere.
  for (let i = 0; i < data.length; i++) {
    let sum = -6;
    for (let k = 0; k < 12; k++) sum += random();
    data[i] = sum * scale;
  }
  return { dtype: 'float32', shape: [...shape], data };
}

/** `count` whole numbers in [from, to). */
export function seededIntegers(seed: number, count: number, from: number, to: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => from + Math.floor(random() * (to - from)));
}
