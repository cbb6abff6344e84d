import { float32, type Tensor } from '@secateur/graph';
import { loadFixtureTensors, relativeError } from '@secateur/testkit';
import { expect, it } from 'vitest';
import { calibration, createSampler, torchGenerator } from '../src/index.js';

const sampler = createSampler({ _class_name: 'DDPMScheduler' });
const images = float32([3, 1, 2], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);

const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
};

it('gives all samples at each timestep, with one noise for all', async () => {
  const data = calibration({ images, sampler, noise: 4 });
  const batches = await collect(data.batches({ timesteps: [5, 900] }));
  const noise = torchGenerator(4).randn([3, 1, 2]);
  expect(batches.map(({ timesteps }) => timesteps)).toEqual([
    [5, 5, 5],
    [900, 900, 900],
  ]);
  for (const { feeds, target, timesteps, weight } of batches) {
    expect(feeds.sample).toEqual(sampler.addNoise(images, noise, timesteps));
    expect(feeds.timestep.data).toEqual(BigInt64Array.from(timesteps, BigInt));
    expect(target).toEqual(noise);
    expect(weight).toBe(1);
  }
  expect([data.samples, data.timesteps]).toEqual([3, 1000]);
});

it('mixes timesteps in batches that do not end where the samples do, without losing a pair', async () => {
  const data = calibration({ images, sampler, noise: 4 });
  const mixed = await collect(data.batches({ timesteps: [5, 900, 30], batchSize: 4 }));
  expect(mixed.map(({ timesteps }) => timesteps)).toEqual([[5, 5, 5, 900], [900, 900, 30, 30], [30]]);
  const plain = await collect(data.batches({ timesteps: [5, 900, 30] }));
  const values = (batches: typeof mixed, name: string): number[] =>
    batches.flatMap(({ feeds }) => Array.from(feeds[name].data, Number));
  expect(values(mixed, 'sample')).toEqual(values(plain, 'sample'));
  expect(mixed.flatMap(({ target }) => [...(target.data as Float32Array)])).toEqual(
    plain.flatMap(({ target }) => [...(target.data as Float32Array)]),
  );
});

it('noises the fixture’s batch as Diff-Pruning’s sweep did', async () => {
  const fixture = loadFixtureTensors('fashion-ddpm-32/diff-pruning.safetensors') as Record<string, Tensor>;
  const golden = loadFixtureTensors('fashion-ddpm-32/golden.safetensors') as Record<string, Tensor>;
  const data = calibration({ images: fixture.images, sampler, noise: fixture.noise });
  // golden's sample k is image k at the k-th of these; two roundings of float32 apart at most.
  const timesteps = [10, 100, 250, 400, 550, 700, 850, 990];
  const batches = await collect(data.batches({ timesteps }));
  const size = 32 * 32;
  for (const [k, { feeds }] of batches.entries()) {
    const row = (tensor: Tensor): Float32Array => (tensor.data as Float32Array).subarray(k * size, (k + 1) * size);
    expect(relativeError(row(feeds.sample), row(golden['in.sample']))).toBeLessThan(3e-7);
  }
});

it('says what it is made of', async () => {
  const described = await calibration({ images, sampler, noise: 4, source: 'shirts' }).describe();
  expect(described).toMatchObject({
    source: 'shirts',
    samples: 3,
    shape: [3, 1, 2],
    noise: { seed: 4 },
    scheduler: 'DDPMScheduler',
  });
  expect(JSON.parse(JSON.stringify(described))).toEqual(described);
});

it('takes names and dtypes of the model’s inputs', async () => {
  const options = {
    images,
    sampler,
    noise: 0,
    names: { sample: 'x', timestep: 't' },
    timestepDType: 'float32' as const,
  };
  const [{ feeds }] = await collect(calibration(options).batches({ timesteps: [7] }));
  expect(Object.keys(feeds)).toEqual(['x', 't']);
  expect(feeds.t).toEqual(float32([3], [7, 7, 7]));
});

it('refuses bad images, noise and batch sizes', () => {
  const broken = float32([1, 2], [0, Number.NaN]);
  expect(() => calibration({ images: broken, sampler, noise: 0 })).toThrow(
    expect.objectContaining({ code: 'BAD_DATA' }),
  );
  const empty = float32([0, 2], []);
  expect(() => calibration({ images: empty, sampler, noise: 0 })).toThrow(
    expect.objectContaining({ code: 'BAD_DATA' }),
  );
  expect(() => calibration({ images, sampler, noise: broken })).toThrow(
    expect.objectContaining({ code: 'SHAPE_MISMATCH' }),
  );
  expect(() => calibration({ images, sampler, noise: 0 }).batches({ timesteps: [1], batchSize: 0 })).toThrow(
    expect.objectContaining({ code: 'BAD_OPTION' }),
  );
});
