import { expect, it } from 'vitest';
import { seededIntegers, seededRandom, seededTensor } from '../src/index.js';

it('seededRandom gives the same uniform values in [0, 1) for a seed', () => {
  const random = seededRandom(1);
  const first = [random(), random(), random()];
  const again = seededRandom(1);
  expect([again(), again(), again()]).toEqual(first);
  expect(seededRandom(2)()).not.toBe(first[0]);
  let sum = 0;
  for (let i = 0; i < 10_000; i++) {
    const value = random();
    expect(value >= 0 && value < 1).toBe(true);
    sum += value;
  }
  // Deviation of the mean of 10,000 uniforms is 0.0029; seven of them.
  expect(Math.abs(sum / 10_000 - 0.5)).toBeLessThan(0.02);
});

it('seededTensor has mean 0 and the deviation asked for', () => {
  const { dtype, shape, data } = seededTensor(7, [10, 20, 50], 2);
  expect(dtype).toBe('float32');
  expect(shape).toEqual([10, 20, 50]);
  expect(data.length).toBe(10_000);
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  const variance = data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length;
  // Five deviations of the estimates: 2/√10000 of the mean, 4·√(2/10000) of the variance.
  expect(Math.abs(mean)).toBeLessThan(0.1);
  expect(Math.abs(variance - 4)).toBeLessThan(0.3);
  expect(seededTensor(7, [], 1).data.length).toBe(1);
});

it('seededIntegers stay in the range and reach both ends', () => {
  const values = seededIntegers(3, 200, -2, 3);
  expect(new Set(values)).toEqual(new Set([-2, -1, 0, 1, 2]));
});
