import { seededRandom } from '@secateur/testkit';
import type { InitOutput } from '../../src/init.js';
import type { Isa } from '../../src/kernels.list.js';
import { createRuntime, type Runtime } from '../../src/runtime.js';
import type { WeightShape } from '../../src/weight-shape.js';
import { rawModule } from './modules.js';

export async function testRuntime(isa: Isa = 'simd'): Promise<Runtime> {
  return createRuntime({ kernels: (await rawModule(isa)) as unknown as InitOutput });
}

/** Uniform in [-1, 1). */
export function uniform(seed: number, n: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: n }, () => 2 * random() - 1);
}

export type MaskKind =
  | 'dense'
  | 'nearly' // all whole kernels over 4 outputs but one in twenty
  | '2:4' // whole kernels, 2 of 4 inputs, shared by 4 outputs
  | 'blocks' // whole kernels, unstructured over 4 outputs
  | 'taps' // single taps, unstructured over 4 outputs
  | 'pairs' // whole kernels over 2 outputs
  | 'single' // every weight on its own
  | 'ninety' // single, 10 % left
  | 'nothing';

/** A mask `[outputs, inputs, taps]` of 0 and 1. */
export function maskOf(kind: MaskKind, { outputs, inputs, kernel = [1, 1] }: WeightShape, seed = 1): Uint8Array {
  const random = seededRandom(seed);
  const taps = kernel[0] * kernel[1];
  const mask = new Uint8Array(outputs * inputs * taps);
  const rows = { dense: 4, nearly: 4, '2:4': 4, blocks: 4, taps: 4, pairs: 2, single: 1, ninety: 1, nothing: 4 }[kind];
  for (let first = 0; first < outputs; first += rows) {
    for (let channel = 0; channel < inputs; channel++) {
      const whole = random() < 0.5;
      for (let tap = 0; tap < taps; tap++) {
        const keep =
          kind === 'dense' ||
          (kind === 'nearly' && (channel + first) % 20 !== 7) ||
          (kind === '2:4' && (channel + (first >> 2)) % 4 < 2) ||
          ((kind === 'blocks' || kind === 'pairs') && whole) ||
          ((kind === 'taps' || kind === 'single') && random() < 0.5) ||
          (kind === 'ninety' && random() < 0.1);
        for (let r = first; keep && r < Math.min(outputs, first + rows); r++) {
          mask[(r * inputs + channel) * taps + tap] = 1;
        }
      }
    }
  }
  return mask;
}
