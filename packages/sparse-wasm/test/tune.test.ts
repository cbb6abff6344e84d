import { beforeAll, describe, expect, it } from 'vitest';
import { createConvolution } from '../src/convolution.js';
import { createLinear } from '../src/linear.js';
import { packWeights } from '../src/pack-weights.js';
import type { Runtime } from '../src/runtime.js';
import { parsePacked, serialisePacked } from '../src/serialise.js';
import { type Choice, tuneConvolution, tuneLinear } from '../src/tune.js';
import { buildTimeout } from './support/modules.js';
import { maskOf, testRuntime, uniform } from './support/runtime.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await testRuntime();
}, buildTimeout);

const shape = { outputs: 32, inputs: 32, kernel: [3, 3] as const };
const size = { height: 16, width: 16 };
const weight = uniform(1, 32 * 32 * 9);

/** What a layer gives for a fixed input. */
function outputOf(layer: ReturnType<typeof createLinear>, inputs: number, inputSize: number): Float32Array {
  const { arena } = runtime;
  const x = arena.upload(uniform(7, inputSize));
  const y = arena.alloc(4 * layer.outputSize);
  layer.run({ at: x, channels: inputs }, y);
  const result = arena.f32(y, layer.outputSize).slice();
  arena.free(x);
  arena.free(y);
  return result;
}

describe('tuneConvolution', () => {
  it('times candidates and takes the fastest', () => {
    const held = runtime.arena.usedBytes;
    const tuned = tuneConvolution(runtime, weight, shape, { ...size, mask: maskOf('2:4', shape), budgetMs: 2 });
    expect(tuned.timings.length).toBeGreaterThan(1);
    expect(tuned.timings.map(({ ms }) => ms)).toEqual([...tuned.timings.map(({ ms }) => ms)].sort((a, b) => a - b));
    expect(tuned.timings[0]).toMatchObject({ mr: tuned.mr, algorithm: tuned.algorithm });
    expect(tuned.layer.algorithm).toBe(tuned.algorithm);
    expect(tuned.packed).toMatchObject({ mr: tuned.mr, algorithm: tuned.algorithm });
    // Losers are freed; scratch stays.
    tuned.layer.free();
    expect(runtime.arena.usedBytes - held).toBeLessThan(2e6);
  });

  it('asks the cache first, and fills it', () => {
    const cache = new Map<string, Choice>();
    const options = { ...size, cache, budgetMs: 1 };
    const first = tuneConvolution(runtime, weight, shape, options);
    expect(cache.size).toBe(1);
    const second = tuneConvolution(runtime, weight, shape, options);
    expect(second.timings).toEqual([]);
    expect(second).toMatchObject({ mr: first.mr, algorithm: first.algorithm });
    // Another structure is another layer.
    tuneConvolution(runtime, weight, shape, { ...options, mask: maskOf('ninety', shape) });
    expect(cache.size).toBe(2);
    expect(JSON.parse(JSON.stringify([...cache]))).toEqual([...cache]);
  });

  it('leaves a choice in the packed weights that loading follows, without timing again', () => {
    const tuned = tuneConvolution(runtime, weight, shape, { ...size, algorithm: 'winograd-f2', bias: uniform(2, 32) });
    const loaded = createConvolution(runtime, parsePacked(serialisePacked(tuned.packed)), size);
    expect(loaded.algorithm).toBe('winograd-f2');
    expect(outputOf(loaded, 32, 32 * 256)).toEqual(outputOf(tuned.layer, 32, 32 * 256));
    // Where the choice does not apply, the layer is direct.
    expect(createConvolution(runtime, tuned.packed, { ...size, stride: 2 }).algorithm).toBe('direct');
  });

  // Work decides which rows share positions, not the clock: all candidates do at most 1.2 times the least work of their algorithm.
  it('times single rows only where rows have little in common', () => {
    const dense = tuneConvolution(runtime, weight, shape, { ...size, budgetMs: 0 });
    expect(dense.timings.every(({ mr }) => mr >= 2)).toBe(true);
    const sparse = tuneConvolution(runtime, weight, shape, { ...size, budgetMs: 0, mask: maskOf('ninety', shape) });
    // A tenth of the taps in single rows is far less work than anything else, so nothing else is timed.
    expect(sparse).toMatchObject({ mr: 1, algorithm: 'direct', timings: [] });
  });
});

describe('tuneLinear', () => {
  it('gives the layer that packing by hand gives', () => {
    const flat = { outputs: 24, inputs: 40 };
    const values = uniform(3, 24 * 40);
    const mask = maskOf('ninety', flat);
    const tuned = tuneLinear(runtime, values, flat, { tokens: 50, mask, budgetMs: 0 });
    const byHand = createLinear(runtime, packWeights(values, flat, { mask, mr: tuned.mr }), { tokens: 50 });
    expect(outputOf(tuned.layer, 40, 2000)).toEqual(outputOf(byHand, 40, 2000));
  });
});
