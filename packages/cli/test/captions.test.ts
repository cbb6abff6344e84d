import { nodeEngine } from '@secateur/runtime/node';
import { expect, it } from 'vitest';
import { loadCalibration, loadModel } from '../src/index.js';

const path = 'zoo:fashion-sd';

it('the zoo’s pictures come with captions, encoded by the pipeline that the model belongs to', async () => {
  const model = await loadModel(path);
  const pipeline = { path, engine: await nodeEngine({ threads: 1 }) };
  const data = await loadCalibration(model, 'zoo:fashion-mnist', { samples: 3, pipeline });
  expect(data.samples).toBe(3);
  for await (const { feeds, target } of data.batches({ timesteps: [5] })) {
    const [rows, channels] = feeds.sample!.shape;
    expect([rows, channels]).toEqual([3, model.graph.inputs.find(({ name }) => name === 'sample')!.shape[1]]);
    expect(feeds.encoder_hidden_states!.shape[0]).toBe(3);
    expect(target.shape).toEqual(feeds.sample!.shape);
  }
});

it('without the pipeline it says what is needed', async () => {
  await expect(loadCalibration(await loadModel(path), 'zoo:fashion-mnist')).rejects.toMatchObject({
    code: 'BAD_OPTION',
    field: 'data',
  });
});
