import { float32, int64, toNumbers } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { denoise, denoiserInputs, refuseOtherConditions } from '../src/denoiser.js';
import { type FakeModelOptions, fakeEngine, fakeModel, type Run } from './fake-model.js';

const sample = float32(
  [3, 1, 4, 4],
  Array.from({ length: 48 }, (_, i) => i),
);

async function setUp(options: FakeModelOptions = {}, run?: Run) {
  const model = fakeModel(options);
  const engine = fakeEngine(run);
  const executable = await engine.compile(model.graph);
  return { engine, denoiser: { inputs: denoiserInputs(model), executable, output: 'out_sample' } };
}

describe('denoise', () => {
  it('runs in batches and joins the answers', async () => {
    const { engine, denoiser } = await setUp();
    const answer = await denoise(denoiser, sample, 7, { batchSize: 2 });
    expect(answer).toEqual(
      float32(
        [3, 1, 4, 4],
        Array.from({ length: 48 }, (_, i) => i / 2),
      ),
    );
    expect(engine.fed.map(({ timestep }) => toNumbers(timestep))).toEqual([[7, 7], [7]]);
  });

  it('fills up a fixed batch and cuts the answer', async () => {
    const { engine, denoiser } = await setUp({ batch: 2 });
    const answer = await denoise(denoiser, sample, 7, { batchSize: 8 });
    expect(answer.shape).toEqual([3, 1, 4, 4]);
    expect(engine.fed.map((feeds) => feeds.sample.shape[0])).toEqual([2, 2]);
    expect(toNumbers(answer)[47]).toBe(23.5);
  });

  it('gives timesteps as the model takes them: scalar, one for all, or of another type', async () => {
    const scalar = await setUp({ timestepShape: [] });
    await denoise(scalar.denoiser, sample, 7, { batchSize: 8 });
    expect(scalar.engine.fed[0].timestep.shape).toEqual([]);
    const single = await setUp({ timestepShape: [1] });
    await denoise(single.denoiser, sample, 7, { batchSize: 8 });
    expect(single.engine.fed[0].timestep.shape).toEqual([1]);
    const half = await setUp({ timestepDType: 'float16' });
    await denoise(half.denoiser, sample, 7.5, { batchSize: 8 });
    expect(toNumbers(half.engine.fed[0].timestep)).toEqual([7.5, 7.5, 7.5]);
    const whole = await setUp();
    await expect(denoise(whole.denoiser, sample, 7.5, { batchSize: 8 })).rejects.toMatchObject({ code: 'BAD_OPTION' });
  });

  it('gives conditions batch by batch', async () => {
    const { engine, denoiser } = await setUp({ labels: true });
    await denoise(denoiser, sample, 7, { batchSize: 2, conditions: { class_labels: int64([4, 5, 6]) } });
    expect(engine.fed.map((feeds) => toNumbers(feeds.class_labels))).toEqual([[4, 5], [6]]);
  });

  it('refuses an answer that is not finite', async () => {
    const { denoiser } = await setUp({}, ({ sample: x }) => ({
      out_sample: float32(x.shape, new Array(48).fill(Number.NaN)),
    }));
    await expect(denoise(denoiser, sample, 7, { batchSize: 8 })).rejects.toMatchObject({ code: 'BAD_DATA' });
  });

  it('stops when cancelled', async () => {
    const { denoiser } = await setUp();
    const options = { batchSize: 1, signal: AbortSignal.abort() };
    await expect(denoise(denoiser, sample, 7, options)).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

it('refuses models with other inputs', () => {
  const conditional = fakeModel({ extra: 'encoder_hidden_states', labels: true });
  expect(() => refuseOtherConditions(conditional, denoiserInputs(conditional), ['class_labels'])).toThrow(
    expect.objectContaining({ code: 'BAD_OPTION', field: 'encoder_hidden_states' }),
  );
  const model = fakeModel();
  const graph = { ...model.graph, inputs: model.graph.inputs.slice(0, 1) };
  expect(() => denoiserInputs({ ...model, graph })).toThrow(
    expect.objectContaining({ code: 'BAD_OPTION', field: 'timestep' }),
  );
  expect(() => denoiserInputs({ ...model, sizes: {} })).toThrow(expect.objectContaining({ code: 'SHAPE_MISMATCH' }));
});
