import { beforeAll, expect, it } from 'vitest';
import { attention } from '../src/attention.js';
import type { Runtime } from '../src/runtime.js';
import { buildTimeout } from './support/modules.js';
import { testRuntime, uniform } from './support/runtime.js';

let runtimes: Runtime[];
beforeAll(async () => {
  runtimes = [await testRuntime('simd'), await testRuntime('relaxed')];
}, buildTimeout);

/** Softmax attention from its definition; all tensors [heads * channels][tokens]. */
function naive(
  [q, k, v]: readonly Float32Array[],
  { heads, headChannels, queries, keys }: { heads: number; headChannels: number; queries: number; keys: number },
): Float64Array {
  const y = new Float64Array(heads * headChannels * queries);
  for (let head = 0; head < heads; head++) {
    const row = head * headChannels;
    for (let i = 0; i < queries; i++) {
      const scores = Float64Array.from({ length: keys }, (_, j) => {
        let sum = 0;
        for (let c = 0; c < headChannels; c++) sum += q[(row + c) * queries + i] * k[(row + c) * keys + j];
        return sum / Math.sqrt(headChannels);
      });
      const largest = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - largest));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      for (let c = 0; c < headChannels; c++) {
        for (let j = 0; j < keys; j++) y[(row + c) * queries + i] += (weights[j] / total) * v[(row + c) * keys + j];
      }
    }
  }
  return y;
}

// Scores reach 20 and round at 2e-6; the weights, and results below 1, are off by about as much.
it.each([
  { heads: 1, headChannels: 8, queries: 16, keys: 16 },
  { heads: 2, headChannels: 5, queries: 7, keys: 77 },
  { heads: 3, headChannels: 16, queries: 100, keys: 1 },
  { heads: 1, headChannels: 40, queries: 65, keys: 130 },
])('attention of $heads heads of $headChannels channels, $queries x $keys', (options) => {
  const { heads, headChannels, queries, keys } = options;
  const rows = heads * headChannels;
  for (const runtime of runtimes) {
    const { arena } = runtime;
    const tensors = [queries, keys, keys].map((tokens, i) => uniform(i + 1, rows * tokens));
    tensors[0] = tensors[0].map((x) => 10 * x);
    const [q, k, v] = tensors.map((tensor) => arena.upload(tensor));
    const y = arena.alloc(4 * rows * queries);
    const expected = naive(tensors, options);
    for (const target of [y, q]) {
      attention(runtime, q, k, v, target, options);
      const actual = arena.f32(target, rows * queries);
      for (let i = 0; i < expected.length; i++) expect(Math.abs(actual[i] - expected[i])).toBeLessThan(2e-5);
    }
  }
});

it('refuses empty sizes', () => {
  const options = { heads: 1, headChannels: 4, queries: 0, keys: 4 };
  expect(() => attention(runtimes[0], 0, 0, 0, 0, options)).toThrow(
    expect.objectContaining({ code: 'BAD_SHAPE', field: 'queries' }),
  );
});
