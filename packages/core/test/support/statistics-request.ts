import { couple } from '@secateur/graph';
import { referenceEngine, tinyCalibration, tinyModel } from '../../src/conformance.js';
import type { Calibration, Model, StatisticsRequest } from '../../src/index.js';

/** A request on the tiny model: two samples, six timesteps unless another calibration is given. */
export function requestOf(
  overrides: Partial<StatisticsRequest> = {},
): StatisticsRequest & { engine: NonNullable<StatisticsRequest['engine']>; data: Calibration } {
  const model: Model = overrides.model ?? tinyModel();
  return {
    model,
    coupling: couple(model.graph),
    needs: [],
    engine: referenceEngine(),
    data: tinyCalibration({ timesteps: 6 }),
    ...overrides,
  } as StatisticsRequest & { engine: NonNullable<StatisticsRequest['engine']>; data: Calibration };
}

/** The calibration with NaN in every sample at one timestep. */
export function poisonedAt(data: Calibration, timestep: number): Calibration {
  return {
    ...data,
    batches: async function* (request) {
      for await (const batch of data.batches(request)) {
        if (!batch.timesteps.includes(timestep)) yield batch;
        else {
          const sample = batch.feeds.sample;
          yield {
            ...batch,
            feeds: {
              ...batch.feeds,
              sample: { ...sample, data: new Float32Array(sample.data.length).fill(Number.NaN) },
            },
          };
        }
      }
    },
  };
}

/** The calibration with targets scaled, so that losses fall or rise over timesteps as wanted. */
export function withLosses(data: Calibration, scaleOf: (timestep: number) => number): Calibration {
  return {
    ...data,
    batches: async function* (request) {
      for await (const batch of data.batches(request)) {
        const { target, timesteps } = batch;
        const row = target.data.length / timesteps.length;
        const scaled = Float32Array.from(
          target.data as Float32Array,
          (value, i) => value * scaleOf(timesteps[Math.floor(i / row)]),
        );
        yield { ...batch, target: { ...target, data: scaled } };
      }
    },
  };
}
