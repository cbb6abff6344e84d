import { float32, toNumbers } from '@secateur/graph';
import { expectClose } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { guidanceEmbedding, guided } from '../src/guidance.js';

describe('guided', () => {
  const without = float32([2, 2], [1, 2, 0, 0]);
  const given = float32([2, 2], [2, 4, 1, -1]);

  it('goes past the prompt’s own answer', () => {
    expect(guided(without, given, { scale: 3 })).toEqual(float32([2, 2], [4, 8, 3, -3]));
    expect(guided(without, given, { scale: 1 })).toEqual(given);
  });

  it('brings the spread of each sample back', () => {
    // Deviations: given sqrt(2), guided 2 sqrt(2) and 3 sqrt(2): ratios 1/2 and 1/3.
    expect(toNumbers(guided(without, given, { scale: 3, rescale: 1 }))).toEqual([2, 4, 1, -1]);
    expectClose(
      guided(without, given, { scale: 3, rescale: 0.5 }).data as Float32Array,
      Float32Array.of(3, 6, 2, -2),
      1e-6,
    );
  });
});

it('embeds a scale as sines, then cosines, of falling frequencies', () => {
  const { shape, data } = guidanceEmbedding(0.5, 2, 5);
  expect(shape).toEqual([2, 5]);
  // Frequencies 1 and 1e-4; the odd last place stays empty.
  const row = [Math.sin(500), Math.sin(0.05), Math.cos(500), Math.cos(0.05), 0];
  expectClose(data as Float32Array, Float32Array.from([...row, ...row]), 1e-6);
});
