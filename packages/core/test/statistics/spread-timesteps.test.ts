import { expect, it } from 'vitest';
import { spreadTimesteps } from '../../src/statistics/spread-timesteps.js';

it('takes the middle of equal stretches', () => {
  expect(spreadTimesteps(1000, 4)).toEqual([125, 375, 625, 875]);
  expect(spreadTimesteps(10, 1)).toEqual([5]);
});

it('takes all of a schedule that is no longer', () => {
  expect(spreadTimesteps(4, 4)).toEqual([0, 1, 2, 3]);
  expect(spreadTimesteps(3, 9)).toEqual([0, 1, 2]);
});
