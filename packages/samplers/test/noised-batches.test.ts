import { float32 } from '@secateur/graph';
import { expect, it } from 'vitest';
import { createSampler, noisedBatches, timestepTensor, torchGenerator } from '../src/index.js';

const sampler = createSampler({ _class_name: 'DDPMScheduler' });
const images = [float32([2, 1], [0.1, 0.2]), float32([1, 1], [0.3])];

it('draws noise, then a timestep for each sample', async () => {
  const generator = torchGenerator(9);
  const batches = noisedBatches({ images, sampler, seed: 9, timesteps: 'random' });
  let count = 0;
  for await (const { feeds, target, timesteps } of batches) {
    const noise = generator.randn(images[count].shape);
    const drawn = generator.randint(1000, images[count].shape[0]);
    expect(timesteps).toEqual(drawn);
    expect(target).toEqual(noise);
    expect(feeds.sample).toEqual(sampler.addNoise(images[count], noise, drawn));
    count++;
  }
  expect(count).toBe(2);
});

it('gives every batch at every timestep of a list, with the batch’s one noise', async () => {
  const batches = [];
  for await (const batch of noisedBatches({ images, sampler, seed: torchGenerator(1), timesteps: [3, 1] }))
    batches.push(batch);
  expect(batches.map(({ timesteps }) => timesteps)).toEqual([[3, 3], [1, 1], [3], [1]]);
  expect(batches[0].target).toEqual(batches[1].target);
});

it('takes fractions only where the model does', () => {
  expect(timestepTensor([1.5], 'float32')).toEqual(float32([1], [1.5]));
  expect(timestepTensor([2], 'int32').data).toEqual(Int32Array.of(2));
  expect(() => timestepTensor([1.5])).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
  expect(() => timestepTensor([1], 'uint8')).toThrow(expect.objectContaining({ code: 'UNKNOWN_DTYPE' }));
});
