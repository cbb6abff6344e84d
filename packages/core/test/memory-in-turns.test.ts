import { expect, it } from 'vitest';
import { memoryInTurns } from '../src/index.js';

it('gives memory again when its turn comes, and more when more is asked for', () => {
  const next = memoryInTurns(2);
  const [a, b, c] = [next()(8), next()(4), next()(6)];
  expect([a.length, b.length, c.length]).toEqual([8, 4, 6]);
  expect(c.buffer).toBe(a.buffer);
  expect(b.buffer).not.toBe(a.buffer);
  const larger = next()(5);
  expect(larger.length).toBe(5);
  expect(larger.buffer).not.toBe(b.buffer);
});
