import { float32 } from '@secateur/graph';
import { expect, it } from 'vitest';
import { defineMetric } from '../src/index.js';

const distance = defineMetric<{ scale: number }>({
  name: 'distance',
  apiVersion: 1,
  defaults: { scale: 1 },
  higherIsBetter: false,
  compare: (actual, reference, { options }) =>
    options.scale * Math.abs(Number(actual.data[0]) - Number(reference.data[0])),
});

it('defines a metric that compares with its options', async () => {
  const metric = distance({ scale: 10 });
  expect(metric).toMatchObject({ kind: 'metric', name: 'distance', higherIsBetter: false, options: { scale: 10 } });
  expect(await metric.compare(float32([1], [1]), float32([1], [3]))).toBe(20);
});
