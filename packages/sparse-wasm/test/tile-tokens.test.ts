import { expect, it } from 'vitest';
import { tileTokens } from '../src/tile-tokens.js';

it('takes about 48, and more or less where the last tile would be narrow', () => {
  expect(tileTokens(4096, 8)).toBe(48);
  expect(tileTokens(257, 8)).toBe(56);
  expect(tileTokens(65, 16)).toBe(80);
  expect(tileTokens(70, 32)).toBe(64);
  expect(tileTokens(128, 8)).toBe(64);
  expect(tileTokens(1, 8)).toBe(8);
  expect(tileTokens(1000, 16, 32)).toBe(32);
});

it('always gives a whole number of steps, within the most', () => {
  for (let tokens = 1; tokens < 300; tokens++) {
    for (const multiple of [8, 16, 32]) {
      const tile = tileTokens(tokens, multiple);
      expect(tile % multiple).toBe(0);
      expect(tile).toBeGreaterThanOrEqual(multiple);
      expect(tile).toBeLessThanOrEqual(80);
    }
  }
});
