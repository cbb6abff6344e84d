import { float32 } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { testMetric } from '../src/conformance.js';
import { defineMetric, type MetricState } from '../src/index.js';

/** Mean absolute distance of pairs: the short form. */
const distance = defineMetric<{ scale: number }>({
  name: 'distance',
  apiVersion: 1,
  defaults: { scale: 1 },
  higherIsBetter: false,
  compare: (actual, reference, { options }) => {
    let sum = 0;
    for (let i = 0; i < actual.data.length; i++) sum += Math.abs(Number(actual.data[i]) - Number(reference.data[i]));
    return (options.scale * sum) / actual.data.length;
  },
});

/** Distance of means of features: the full form. */
const meanShift = defineMetric<object>({
  name: 'mean-shift',
  apiVersion: 1,
  defaults: {},
  higherIsBetter: false,
  subject: 'features',
  compares: 'sets',
  minimum: 3,
  start: ({ warn }): MetricState => {
    const sums = { actual: 0, reference: 0 };
    const counts = { actual: 0, reference: 0 };
    return {
      add(batch) {
        for (const side of ['actual', 'reference'] as const) {
          for (const value of batch[side]?.data ?? []) sums[side] += Number(value);
          counts[side] += batch[side]?.data.length ?? 0;
        }
      },
      finish() {
        warn('Means say little.');
        const value = Math.abs(sums.actual / counts.actual - sums.reference / counts.reference);
        return { value, spread: 0, details: { sum: sums.actual } };
      },
    };
  },
});

testMetric(distance, { variants: [{ scale: 2 }] });
testMetric(meanShift);

describe('defineMetric', () => {
  const pictures = (...values: number[]) => float32([values.length, 1, 1, 1], values);

  it('compares pairs of pictures with its options, unless told otherwise', async () => {
    const metric = distance({ scale: 10 });
    expect(metric).toMatchObject({ kind: 'metric', name: 'distance', higherIsBetter: false, options: { scale: 10 } });
    expect(metric).toMatchObject({ subject: 'images', compares: 'pairs' });
    expect(metric.minimum()).toBe(1);
    expect(await metric.compare(pictures(1, 1), pictures(3, 2))).toEqual({
      value: 15,
      count: { actual: 2, reference: 2 },
      warnings: [],
    });
  });

  it('sums up batch by batch, and says what it warned of', async () => {
    const run = meanShift().start();
    run.add({ reference: float32([3, 1], [1, 2, 3]) });
    run.add({ actual: float32([2, 1], [4, 6]) });
    run.add({ actual: float32([1, 1], [8]) });
    expect(await run.finish()).toEqual({
      value: 4,
      spread: 0,
      details: { sum: 18 },
      count: { actual: 3, reference: 3 },
      warnings: ['Means say little.'],
    });
  });

  it('counts the samples that lack, and names the sample that is not finite', async () => {
    const run = meanShift().start();
    run.add({ actual: float32([2, 1], [4, 6]), reference: float32([5, 1], [1, 2, 3, 4, 5]) });
    await expect(run.finish()).rejects.toMatchObject({
      message: '"mean-shift" needs at least 3 samples of each; here are 2 samples and 5 of the reference.',
    });
    await expect(distance().compare(pictures(1, Number.NaN), pictures(1, 1))).rejects.toMatchObject({
      message: '"distance": sample 1 holds NaN.',
    });
  });

  it('asks for as many samples as options and features call for', async () => {
    const demanding = defineMetric<{ k: number }>({
      name: 'demanding',
      apiVersion: 1,
      defaults: { k: 2 },
      higherIsBetter: true,
      subject: 'features',
      minimum: ({ k }, dims) => k * dims,
      compare: () => 1,
    })({ k: 3 });
    expect([demanding.minimum(), demanding.minimum(4)]).toEqual([3, 12]);
    const two = float32([5, 2], new Float32Array(10));
    await expect(demanding.compare(two, two)).rejects.toMatchObject({
      code: 'BAD_DATA',
      message: expect.stringContaining('at least 6 samples'),
    });
  });

  it('refuses a definition with neither form, or both, and a value that is no number', async () => {
    const base = { name: 'm', apiVersion: 1, defaults: {}, higherIsBetter: true } as const;
    const start = (): MetricState => ({ add() {}, finish: () => 1 });
    for (const forms of [{}, { start, compare: () => 1 }]) {
      expect(() => defineMetric({ ...base, ...forms })).toThrow(expect.objectContaining({ code: 'BAD_PLUGIN' }));
    }
    const broken = defineMetric({ ...base, compare: () => Number.NaN })();
    await expect(broken.compare(pictures(1), pictures(1))).rejects.toMatchObject({ code: 'BAD_PLUGIN', plugin: 'm' });
  });
});
