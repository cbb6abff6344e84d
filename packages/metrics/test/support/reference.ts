import { float32, type Tensor } from '@secateur/graph';
import { loadFixtureTensors } from '@secateur/testkit';
import { expect } from 'vitest';

const tensors = loadFixtureTensors('metrics/metrics.safetensors');

/** An input of the reference fixture. */
export function input(name: string): Tensor {
  const { shape, data } = tensors[`in.${name}`];
  return float32(shape, Array.from(data, Number));
}

/** A matrix of the fixture, in float64. */
export function matrix(name: string): Float64Array {
  return Float64Array.from(tensors[`in.${name}`].data, Number);
}

/** What numpy, scipy, scikit-image or torch computed: `[value]`, `[value, spread]`, or a list. */
export function expected(name: string): number[] {
  return Array.from(tensors[name].data, Number);
}

/** The promise is 1e-3. Both sides compute in float64, and so they agree far better: state it. */
export function expectRelative(found: number, wanted: number, tolerance: number): void {
  expect(Math.abs(found - wanted) / Math.abs(wanted), `${found} for ${wanted}`).toBeLessThan(tolerance);
}

/** The first rows. */
export function rows({ shape, data }: Tensor, from: number, to: number): Tensor {
  const size = data.length / shape[0];
  return float32([to - from, ...shape.slice(1)], (data as Float32Array).subarray(from * size, to * size));
}
