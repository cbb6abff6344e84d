import { expect, it } from 'vitest';
import { tinyCalibration } from '../../src/conformance.js';
import { collectGradients } from '../../src/statistics/gradients.js';
import { collectLossTail } from '../../src/statistics/loss-tail.js';
import { requestOf, withLosses } from '../support/statistics-request.js';

const data = withLosses(tinyCalibration({ timesteps: 60 }), (timestep) => (timestep < 2 ? 10 : 0.1));

it('measures every 25th loss as the sweep would have (1e-5: float32 loss against float64 sums)', async () => {
  const rest = Array.from({ length: 57 }, (_, i) => i + 3);
  const tail = await collectLossTail(requestOf({ data }), rest);
  expect(tail.map(({ timestep }) => timestep)).toEqual([27, 52]);
  const { losses } = await collectGradients(requestOf({ data, timesteps: [27, 52] }), {
    kind: 'gradients',
    accumulate: 'sum',
  });
  for (const [i, { loss }] of losses.entries()) expect(Math.abs(tail[i].loss - loss)).toBeLessThan(1e-5 * loss);
});

it('follows a sweep that stopped', async () => {
  const need = { kind: 'gradients', accumulate: 'sum', stop: { threshold: 0.5, order: 'backward-first' } } as const;
  const { losses, stoppedAt } = await collectGradients(requestOf({ data }), need);
  expect(stoppedAt).toBe(2);
  expect(losses.map(({ timestep }) => timestep)).toEqual([0, 1, 2, 27, 52]);
});

it('compiles nothing when there is nothing to measure', async () => {
  const engine = { ...requestOf().engine, compile: () => Promise.reject(new Error('compiled')) };
  expect(await collectLossTail(requestOf({ engine }), [1, 2])).toEqual([]);
});
