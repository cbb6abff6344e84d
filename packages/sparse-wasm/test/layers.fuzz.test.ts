import { seededRandom } from '@secateur/testkit';
import { beforeAll, expect, it } from 'vitest';
import { createConvolution } from '../src/convolution.js';
import { packWeights } from '../src/pack-weights.js';
import type { Algorithm } from '../src/packed-weights.js';
import type { Runtime } from '../src/runtime.js';
import { buildTimeout } from './support/modules.js';
import { expectWithin, naiveConvolution } from './support/naive.js';
import { type MaskKind, maskOf, testRuntime, uniform } from './support/runtime.js';

let runtimes: Runtime[];
beforeAll(async () => {
  runtimes = [await testRuntime('simd'), await testRuntime('relaxed')];
}, buildTimeout);

const kinds: readonly MaskKind[] = ['dense', '2:4', 'blocks', 'taps', 'pairs', 'single', 'ninety', 'nothing'];

/** A runtime whose scratch is noted, so that a test knows what a layer may write. */
function watched(runtime: Runtime): { runtime: Runtime; scratch: () => [number, number] } {
  let range: [number, number] = [0, 0];
  const scratch = (bytes: number): number => {
    const at = runtime.scratch(bytes);
    range = [at, at + bytes];
    return at;
  };
  return { runtime: { ...runtime, scratch }, scratch: () => range };
}

/**
 * One random layer. Before it runs, its result, scratch, and room on both sides of input and result are NaN: what it reads of
 * them shows in the result. Afterwards every byte but those of the result and of scratch must be as it was.
 */
function fuzz(seed: number): void {
  const random = seededRandom(seed);
  const whole = (from: number, to: number) => from + Math.floor(random() * (to - from + 1));
  const pick = <T>(list: readonly T[]): T => list[whole(0, list.length - 1)];
  const kernel = pick([[3, 3] as const, [3, 3] as const, [1, 1] as const, [2, 3] as const]);
  const stride = pick([1, 1, 1, 2] as const);
  const upsample = stride === 1 && kernel[0] === 3 && random() < 0.2;
  const isWinograd = kernel[0] === 3 && stride === 1;
  const algorithm: Algorithm = isWinograd ? pick(['direct', 'winograd-f2', 'winograd-f4'] as const) : 'direct';
  const [outputs, inputs, batch] = [whole(1, 13), whole(1, 40), whole(1, 3)];
  const [height, width] = [whole(2, 19), whole(2, 19)];
  const shape = { outputs, inputs, kernel };
  const padding = [whole(0, 1), whole(0, 1), whole(0, 1), whole(0, 1)] as const;
  const [bigHeight, bigWidth] = upsample ? [2 * height, 2 * width] : [height, width];
  if (bigHeight + padding[0] + padding[2] < kernel[0] || bigWidth + padding[1] + padding[3] < kernel[1]) return;
  const mask = maskOf(pick(kinds), shape, seed);
  const weight = uniform(seed + 1, mask.length);
  const x = uniform(seed + 2, batch * inputs * height * width);

  const { runtime, scratch } = watched(pick(runtimes));
  const { arena } = runtime;
  const { buffer } = arena.memory;
  const packed = packWeights(weight, shape, { mask, mr: pick([undefined, 1, 2, 4] as const) });
  const options = { height, width, batch, stride, padding, upsample, algorithm };
  // Once to make tables and scratch, so that the memory does not change its shape under the second run.
  const layer = createConvolution(runtime, packed, options);
  const guards = [arena.alloc(4096)];
  const at = arena.upload(x);
  guards.push(arena.alloc(4096));
  const y = arena.alloc(4 * layer.outputSize);
  guards.push(arena.alloc(4096));
  layer.run({ at, channels: inputs }, y);
  if (arena.memory.buffer !== buffer && arena.memory.buffer.byteLength > 2 ** 25)
    throw new Error('The case is too large.');

  const bytes = new Uint8Array(arena.memory.buffer);
  bytes.fill(0xff, y, y + 4 * layer.outputSize);
  bytes.fill(0xff, ...scratch());
  for (const guard of guards) bytes.fill(0xff, guard, guard + 4096);
  const before = bytes.slice();
  layer.run({ at, channels: inputs }, y);
  const words = new Float64Array(arena.memory.buffer);
  const [wordsBefore, wordsNow] = [new BigInt64Array(before.buffer), new BigInt64Array(words.buffer)];
  const [from, to] = scratch();
  for (let i = 0; i < wordsNow.length; i++) {
    if (wordsNow[i] === wordsBefore[i]) continue;
    const isOutput = 8 * i + 8 > y && 8 * i < y + 4 * layer.outputSize;
    if (!isOutput && (8 * i < from - 7 || 8 * i >= to)) throw new Error(`Seed ${seed}: byte ${8 * i} has changed.`);
  }

  const enlarged = upsample
    ? Float32Array.from({ length: 4 * x.length }, (_, i) => {
        const [plane, row] = [Math.floor(i / (bigHeight * bigWidth)), Math.floor(i / bigWidth) % bigHeight];
        return x[(plane * height + (row >> 1)) * width + ((i % bigWidth) >> 1)];
      })
    : x;
  const masked = weight.map((value, i) => (mask[i] ? value : 0));
  const sizes = { outputs, inputs, kernel, batch, stride, padding, height: bigHeight, width: bigWidth };
  const naive = naiveConvolution(enlarged, masked, sizes);
  const magnitude = naive.magnitude.map((value) => Math.max(value, inputs * 0.3 + 0.1));
  // The bound of F4 in convolution.test.ts, for all.
  expectWithin(arena.f32(y, layer.outputSize), naive.y, magnitude, 4e-5, `seed ${seed}, ${algorithm}`);
  layer.free();
  for (const pointer of [at, y, ...guards]) arena.free(pointer);
}

it('layers of any shape and mask read what they have, and write only their result and scratch', () => {
  for (let seed = 1; seed <= 80; seed++) fuzz(seed);
  expect(runtimes[0].arena.usedBytes).toBeLessThan(2 ** 23);
});
