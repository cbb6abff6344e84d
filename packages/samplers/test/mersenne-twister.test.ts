import { expect, it } from 'vitest';
import { nextWord, seedTwister } from '../src/mersenne-twister.js';

it('gives the sequence of the reference implementation for seed 5489', () => {
  // The first outputs, and the 10,000th, which the C++ standard names for mt19937.
  const state = seedTwister(5489);
  const words = Array.from({ length: 10_000 }, () => nextWord(state));
  expect(words.slice(0, 3)).toEqual([3499211612, 581869302, 3890346734]);
  expect(words[9999]).toBe(4123659995);
});
