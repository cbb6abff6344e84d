import type { Model } from '@secateur/core';
import { referenceEngine, tinyCalibration, tinyModel } from '@secateur/core/conformance';
import { toFloat32 } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { outputErrors } from '../src/index.js';

/** The tiny model with half its last layer. */
function halved(): Model {
  const model = tinyModel();
  const constants = new Map(model.graph.constants);
  for (const [name, constant] of constants) {
    if (!constant.parameter?.name.startsWith('conv_out.')) continue;
    const { dtype, shape, ...rest } = constant.value!;
    const value = { dtype, shape, data: toFloat32({ dtype, shape, ...rest }).map((weight) => weight / 2) };
    constants.set(name, { ...constant, value, read: async () => value });
  }
  return { ...model, graph: { ...model.graph, constants } };
}

describe('outputErrors', () => {
  const engine = referenceEngine();
  const data = tinyCalibration({ samples: 3, timesteps: 10 });

  it('are zero for one model twice, at timesteps spread evenly', async () => {
    const found = await outputErrors([tinyModel(), tinyModel()], data, { engine, timesteps: 4 });
    expect(found.map(({ timestep }) => timestep)).toEqual([0, 3, 6, 9]);
    for (const { mse, relative, denseLoss, prunedLoss } of found) {
      expect([mse, relative]).toEqual([0, 0]);
      expect(prunedLoss).toBe(denseLoss);
    }
  });

  it('are what halving the last layer makes them: a quarter of the mean square', async () => {
    for (const { relative, denseLoss, prunedLoss } of await outputErrors([tinyModel(), halved()], data, { engine })) {
      expect(relative).toBeCloseTo(0.25, 5);
      expect(prunedLoss).not.toBe(denseLoss);
    }
  });

  it('do not depend on batches, also where one holds several timesteps', async () => {
    const models = [tinyModel(), halved()] as const;
    const whole = await outputErrors(models, data, { engine, timesteps: 3, batchSize: 3 });
    for (const batchSize of [1, 2, 4, 32]) {
      const found = await outputErrors(models, data, { engine, timesteps: 3, batchSize });
      for (const [i, error] of found.entries()) {
        expect(error.timestep).toBe(whole[i].timestep);
        expect(error.mse).toBeCloseTo(whole[i].mse, 6);
        expect(error.denseLoss).toBeCloseTo(whole[i].denseLoss, 6);
      }
    }
  });

  it('visit each timestep once, however many are asked for', async () => {
    const short = tinyCalibration({ samples: 1, timesteps: 2 });
    const models = [tinyModel(), tinyModel()] as const;
    expect((await outputErrors(models, short, { engine, timesteps: 8 })).map((e) => e.timestep)).toEqual([0, 1]);
    expect((await outputErrors(models, short, { engine, timesteps: 1 })).map((e) => e.timestep)).toEqual([0]);
  });

  it('report progress and stop when cancelled', async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const onProgress = ({ done, total }: { done: number; total: number }) => {
      seen.push(done / total);
      controller.abort();
    };
    const options = { engine, batchSize: 2, signal: controller.signal, onProgress };
    await expect(outputErrors([tinyModel(), tinyModel()], data, options)).rejects.toMatchObject({ code: 'ABORTED' });
    expect(seen).toEqual([2 / 24]);
  });
});
