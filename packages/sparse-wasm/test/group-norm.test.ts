import { beforeAll, expect, it } from 'vitest';
import { groupNormAffine } from '../src/group-norm.js';
import type { Runtime } from '../src/runtime.js';
import { buildTimeout } from './support/modules.js';
import { testRuntime, uniform } from './support/runtime.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await testRuntime();
}, buildTimeout);

// Scale and shift follow from sums of at most 1024 f32 added up in f64: 1e-6 of their size of order 1.
it.each([
  { split: 0, groups: 4 },
  { split: 5, groups: 4 },
  { split: 3, groups: 1 },
])('scale and shift of $groups groups, the sources parted at channel $split', ({ split, groups }) => {
  const { arena } = runtime;
  const [channels, pixels, batch, eps] = [12, 35, 2, 1e-5];
  const x = uniform(1, batch * channels * pixels).map((value) => value + 3);
  const [gamma, beta] = [uniform(2, channels), uniform(3, channels)];
  const part = (from: number, count: number) =>
    Float32Array.from({ length: batch * count * pixels }, (_, i) => {
      const image = Math.floor(i / (count * pixels));
      return x[(image * channels + from) * pixels + (i % (count * pixels))];
    });
  const sources = split
    ? [
        { at: arena.upload(part(0, split)), channels: split },
        { at: arena.upload(part(split, channels - split)), channels: channels - split },
      ]
    : { at: arena.upload(x), channels };
  const out = arena.alloc(4 * batch * 2 * channels);
  const options = { groups, pixels, batch, eps, gamma: arena.upload(gamma), beta: arena.upload(beta) };
  groupNormAffine(runtime, sources, out, options);
  const actual = arena.f32(out, batch * 2 * channels);
  const size = (channels / groups) * pixels;
  for (let image = 0; image < batch; image++) {
    for (let k = 0; k < channels; k++) {
      const first = image * channels * pixels + Math.floor((k * pixels) / size) * size;
      const values = x.subarray(first, first + size);
      const mean = values.reduce((sum, value) => sum + value, 0) / size;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size;
      const scale = gamma[k] / Math.sqrt(variance + eps);
      expect(actual[2 * image * channels + k]).toBeCloseTo(scale, 5);
      expect(actual[(2 * image + 1) * channels + k]).toBeCloseTo(beta[k] - mean * scale, 5);
    }
  }
});

it('refuses norm groups that do not divide the channels', () => {
  const { arena } = runtime;
  const at = arena.alloc(1024);
  expect(() => groupNormAffine(runtime, { at, channels: 10 }, at, { groups: 3, pixels: 4 })).toThrow(
    expect.objectContaining({ code: 'BAD_SHAPE', field: 'groups' }),
  );
});
