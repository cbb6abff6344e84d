import { expect, it } from 'vitest';
import {
  checkSteps,
  evenly,
  roundHalfEven,
  spacedTimesteps,
  spacedTimestepsWithoutLast,
} from '../src/timestep-spacing.js';

const thousand = { trainTimesteps: 1000, offset: 0, rounded: true };

it('spaces leading, trailing and linspace as table 2 of the paper has them', () => {
  expect(spacedTimesteps('leading', 5, thousand)).toEqual([800, 600, 400, 200, 0]);
  expect(spacedTimesteps('leading', 5, { ...thousand, offset: 1 })).toEqual([801, 601, 401, 201, 1]);
  expect(spacedTimesteps('trailing', 5, thousand)).toEqual([999, 799, 599, 399, 199]);
  expect(spacedTimesteps('linspace', 5, thousand)).toEqual([999, 749, 500, 250, 0]);
  expect(spacedTimesteps('linspace', 5, { ...thousand, rounded: false })).toEqual([999, 749.25, 499.5, 249.75, 0]);
});

it('gives as many trailing timesteps as asked for, and none below 0, for every count', () => {
  for (let steps = 1; steps <= 1000; steps++) {
    const timesteps = spacedTimesteps('trailing', steps, thousand);
    expect(timesteps).toHaveLength(steps);
    expect(Math.min(...timesteps)).toBeGreaterThanOrEqual(0);
  }
});

it('leaves out the cleanest of one more', () => {
  const options = { trainTimesteps: 1000, offset: 0 };
  expect(spacedTimestepsWithoutLast('linspace', 4, options)).toEqual([999, 749, 500, 250]);
  expect(spacedTimestepsWithoutLast('leading', 4, options)).toEqual([800, 600, 400, 200]);
  expect(spacedTimestepsWithoutLast('trailing', 4, options)).toEqual([999, 749, 499, 249]);
});

it('rounds halves to even', () => {
  expect([0.5, 1.5, 2.5, 3.5, 2.4, 2.6].map(roundHalfEven)).toEqual([0, 2, 2, 4, 2, 3]);
});

it('ends at the end exactly', () => {
  expect(evenly(0, 0.3, 4)[3]).toBe(0.3);
  expect(evenly(5, 9, 1)).toEqual([5]);
});

it.each([0, 11, 1.5])('refuses %d steps of 10', (steps) => {
  expect(() => checkSteps(steps, 10)).toThrow(expect.objectContaining({ code: 'BAD_OPTION', field: 'steps' }));
});
