import { expect, it } from 'vitest';
import {
  exponentialSigmas,
  karrasSigmas,
  respacedSigmas,
  shiftSigma,
  sigmaAt,
  sigmasOf,
  timestepOfSigma,
} from '../src/sigmas.js';

const table = Float32Array.of(1, 2, 4);

it('is noise over signal', () => {
  expect(sigmasOf(Float32Array.of(0.5, 0.2))).toEqual(Float32Array.of(1, 2));
});

it('interpolates by line, and keeps to the table', () => {
  expect([sigmaAt(table, 0.5), sigmaAt(table, 2), sigmaAt(table, 1.25)]).toEqual([1.5, 4, 2.5]);
});

it('finds the timestep of a sigma by logarithm, clamped to the table', () => {
  const logs = table.map(Math.log);
  expect(timestepOfSigma(Math.SQRT2, logs)).toBeCloseTo(0.5, 6);
  expect(timestepOfSigma(2, logs)).toBeCloseTo(1, 6);
  expect([timestepOfSigma(0, logs), timestepOfSigma(100, logs)]).toEqual([0, 2]);
});

it('spaces Karras sigmas evenly in the seventh root', () => {
  const [first, middle, last] = karrasSigmas(2 ** 7, 1, 3);
  expect([first, last]).toEqual([2 ** 7, 1]);
  expect(middle).toBeCloseTo(1.5 ** 7, 10);
});

it('spaces exponential sigmas evenly in the logarithm', () => {
  expect(exponentialSigmas(4, 1, 3)[1]).toBeCloseTo(2, 12);
});

it('refuses two sequences at once', () => {
  const both = { use_karras_sigmas: true, use_exponential_sigmas: true };
  expect(() => respacedSigmas(both, 2, 1, 3)).toThrow(expect.objectContaining({ code: 'BAD_CONFIG' }));
});

it('shifts towards noise and leaves 0 and 1 where they are', () => {
  expect([0, 0.5, 1].map((sigma) => shiftSigma(sigma, 3))).toEqual([0, 0.75, 1]);
});
