import type { TensorData } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { randomTensors, type TensorSpec } from '../src/index.js';

const bound = 0.25;
const specs: TensorSpec[] = [
  { name: 'uniform', shape: [100, 100], init: { kind: 'uniform', bound } },
  { name: 'other', shape: [100, 100], init: { kind: 'uniform', bound } },
  { name: 'normal', shape: [10_001], init: { kind: 'normal', deviation: 16 }, buffer: true },
  { name: 'ones', shape: [3], init: { kind: 'constant', value: 1 } },
];

async function draw(name: string, seed: number): Promise<TensorData> {
  return (await randomTensors(specs, seed).get(name).read()).data;
}

async function moments(name: string): Promise<{ mean: number; variance: number; count: number }> {
  const values = Array.from((await draw(name, 1)) as Float32Array);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, variance, count: values.length };
}

describe('randomTensors', () => {
  it('is uniform within the bound: mean and variance within four standard errors', async () => {
    const { mean, variance, count } = await moments('uniform');
    const values = (await draw('uniform', 1)) as Float32Array;
    expect(values.every((value) => Math.abs(value) <= bound)).toBe(true);
    expect(Math.abs(mean)).toBeLessThan((4 * bound) / Math.sqrt(3 * count));
    expect(Math.abs(variance / (bound ** 2 / 3) - 1)).toBeLessThan(4 * Math.sqrt(0.8 / count));
  });

  it('is normal with the deviation asked for: mean and variance within four standard errors', async () => {
    const { mean, variance, count } = await moments('normal');
    expect(Math.abs(mean)).toBeLessThan((4 * 16) / Math.sqrt(count));
    expect(Math.abs(variance / 256 - 1)).toBeLessThan(4 * Math.sqrt(2 / count));
  });

  it('depends on seed and name alone', async () => {
    const first = await draw('uniform', 7);
    expect(await draw('uniform', 7)).toEqual(first);
    expect((await draw('uniform', 8)).slice(0, 9)).not.toEqual(first.slice(0, 9));
    expect((await draw('uniform', 7 + 2 ** 32)).slice(0, 9)).not.toEqual(first.slice(0, 9));
    expect((await draw('other', 7)).slice(0, 9)).not.toEqual(first.slice(0, 9));
  });

  it('has constants and buffers', async () => {
    expect(await draw('ones', 1)).toEqual(Float32Array.of(1, 1, 1));
    expect(randomTensors(specs, 1).get('normal').parameter).toMatchObject({ name: 'normal', buffer: true });
  });
});
