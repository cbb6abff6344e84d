import { describe, expect, it } from 'vitest';
import { hashNumbers, hashText, uniform } from '../src/index.js';

describe('uniform', () => {
  it('depends on the seed and every counter, and on their order', () => {
    const values = [
      uniform(1, 2, 3),
      uniform(2, 2, 3),
      uniform(1, 3, 3),
      uniform(1, 2, 4),
      uniform(1, 3, 2),
      uniform(1, 2),
    ];
    expect(new Set(values).size).toBe(values.length);
    expect(uniform(1, 2, 3)).toBe(values[0]);
  });
  it('fills [0, 1) evenly: mean and variance of 20,000 within four standard errors', () => {
    const count = 20_000;
    const values = Array.from({ length: count }, (_, i) => uniform(7, i));
    const mean = values.reduce((a, b) => a + b, 0) / count;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / count;
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThan(1);
    expect(Math.abs(mean - 1 / 2)).toBeLessThan(4 * Math.sqrt(1 / 12 / count));
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(4 * Math.sqrt(1 / 180 / count));
  });
});

it('hashes are whole numbers of 32 bits', () => {
  for (const hash of [hashNumbers(-1, 2 ** 40), hashText(''), hashText('conv_in.weight')]) {
    expect(Number.isInteger(hash) && hash >= 0 && hash < 2 ** 32).toBe(true);
  }
  // FNV-1a of the empty text and of "a" are published.
  expect([hashText(''), hashText('a')]).toEqual([0x811c9dc5, 0xe40c292c]);
});
