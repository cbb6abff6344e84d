import { toNumbers } from '@secateur/graph';
import { createSampler, torchGenerator } from '@secateur/samplers';
import { expectClose } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { createPipeline, type StepEvent } from '../src/index.js';
import { fakeEngine, fakeModel } from './fake-model.js';

const scheduler = { _class_name: 'DDPMScheduler' };

it('draws all pictures’ noise first and each step’s noise from the same generator', async () => {
  const pipe = await createPipeline(fakeModel({ scheduler }), { engine: fakeEngine() });
  const { raw, images } = await pipe({ count: 3, steps: 4, seed: 11 });
  const generator = torchGenerator(11);
  const plan = createSampler(scheduler).plan(4);
  let sample = plan.init([3, 1, 4, 4], generator);
  for (const index of plan.timesteps.keys()) {
    const modelOutput = { ...sample, data: (sample.data as Float32Array).map((value) => value / 2) };
    ({ sample } = plan.step({ modelOutput, sample, index, generator }));
  }
  expect(raw).toEqual(sample);
  expect(images).toHaveLength(3);
});

it('gives the same pictures whatever the batch size', async () => {
  const pipe = await createPipeline(fakeModel({ scheduler }), { engine: fakeEngine() });
  const one = await pipe({ count: 5, steps: 3, batchSize: 1 });
  expect(await pipe({ count: 5, steps: 3, batchSize: 5 })).toEqual(one);
  expect(await pipe({ count: 5, steps: 3 })).toEqual(one);
});

it('reports every call of the model, with a preview', async () => {
  const events: StepEvent[] = [];
  const pipe = await createPipeline(fakeModel({ channels: 3 }), { engine: fakeEngine(), sampler: 'heun' });
  const fractional = pipe({ steps: 3 });
  // Heun's own spacing is fractional, which a model with whole timesteps cannot take.
  await expect(fractional).rejects.toMatchObject({ code: 'BAD_OPTION', field: 'timestep' });
  const sampler = { _class_name: 'HeunDiscreteScheduler', timestep_spacing: 'trailing' };
  const { raw } = await pipe({ steps: 3, sampler, onStep: (event) => void events.push(event) });
  expect(events.map(({ done, total }) => [done, total])).toEqual([1, 2, 3, 4, 5].map((done) => [done, 5]));
  expect(events.map(({ timestep }) => timestep)).toEqual([999, 666, 666, 332, 332]);
  expect(events[4].sample).toEqual(raw);
  expect((await events[0].preview())[0]).toMatchObject({ width: 4, height: 4, channels: 3 });
});

describe('samplers', () => {
  it('are the model’s, the pipeline’s or the call’s, by object, configuration or name', async () => {
    const engine = fakeEngine();
    const model = fakeModel({ scheduler: { ...scheduler, beta_end: 0.01 } });
    expect((await createPipeline(model, { engine })).sampler.className).toBe('DDPMScheduler');
    const pipe = await createPipeline(model, { engine, sampler: 'ddim' });
    expect(pipe.sampler.config).toMatchObject({ _class_name: 'DDIMScheduler', beta_end: 0.01 });
    const own = createSampler({ _class_name: 'DDIMScheduler', beta_end: 0.01 });
    const expected = await pipe({ steps: 3 });
    expect(await pipe({ steps: 3, sampler: own })).toEqual(expected);
    expect(await pipe({ steps: 3, sampler: own.config })).toEqual(expected);
  });

  it('take eta where they can', async () => {
    const pipe = await createPipeline(fakeModel(), { engine: fakeEngine(), sampler: 'ddim' });
    const [calm, lively] = [await pipe({ steps: 3 }), await pipe({ steps: 3, eta: 1 })];
    expect(toNumbers(lively.raw)).not.toEqual(toNumbers(calm.raw));
    await expect(pipe({ sampler: 'ddpm', steps: 3, eta: 1 })).rejects.toMatchObject({
      code: 'BAD_OPTION',
      field: 'eta',
    });
  });

  it('are asked for when there is none', async () => {
    const creating = createPipeline(fakeModel(), { engine: fakeEngine() });
    await expect(creating).rejects.toMatchObject({ code: 'BAD_OPTION', field: 'sampler' });
  });
});

it('goes on with a generator: two calls draw different noise, one after the other', async () => {
  const pipe = await createPipeline(fakeModel({ scheduler }), { engine: fakeEngine() });
  const seed = torchGenerator(2);
  const first = await pipe({ steps: 2, seed });
  expectClose((await pipe({ steps: 2, seed: 2 })).raw.data, first.raw.data, 0);
  expect((await pipe({ steps: 2, seed })).raw).not.toEqual(first.raw);
});

it('makes no pictures of latents with more channels than a picture has', async () => {
  const pipe = await createPipeline(fakeModel({ scheduler, channels: 16 }), { engine: fakeEngine() });
  const { images, raw } = await pipe({ steps: 1 });
  expect(images).toEqual([]);
  expect(raw.shape).toEqual([1, 16, 4, 4]);
});

it('refuses bad counts and labels, stops when cancelled, and frees the engine', async () => {
  const engine = fakeEngine();
  const pipe = await createPipeline(fakeModel({ scheduler }), { engine });
  for (const bad of [
    { count: 0 },
    { count: 1.5 },
    { batchSize: 0 },
    { steps: 0 },
    { seed: -1 },
    { classLabels: [1] },
  ]) {
    await expect(pipe(bad)).rejects.toMatchObject({ code: 'BAD_OPTION', field: Object.keys(bad)[0] });
  }
  const labelled = await createPipeline(fakeModel({ scheduler, labels: true }), { engine });
  await expect(labelled({ count: 2, classLabels: [1] })).rejects.toMatchObject({ field: 'classLabels' });
  await expect(labelled({ count: 2, steps: 1, classLabels: [1, 2] })).resolves.toBeDefined();
  const controller = new AbortController();
  const running = pipe({
    steps: 10,
    signal: controller.signal,
    onStep: ({ done }) => (done === 2 ? controller.abort() : undefined),
  });
  await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
  await pipe.dispose();
  expect(engine.disposed).toBe(true);
});
