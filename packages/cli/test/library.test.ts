import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  createPipeline,
  diffPruning,
  loadImages,
  loadModel,
  magnitude,
  nodeEngine,
  prune,
  saveModel,
  structured,
} from '../src/index.js';
import { fixturePath, join, scratch } from './run-cli.js';

describe('the library', () => {
  it('loads, prunes, saves and samples', async () => {
    const folder = scratch();
    const model = await loadModel(fixturePath('unet2d-tiny'));
    const { model: smaller, report } = await prune(model, {
      method: structured({ criterion: magnitude() }),
      ratio: 0.3,
    });
    expect(report.after.parameters).toBeLessThan(report.before.parameters);
    await saveModel(smaller, join(folder, 'smaller'), { emit: ['diffusers', 'onnx'] });
    expect(readdirSync(join(folder, 'smaller'))).toContain('model.onnx');
    await expect(saveModel(smaller, join(folder, 'smaller'))).rejects.toMatchObject({ code: 'EXISTS' });
    const again = await loadModel(join(folder, 'smaller'));
    const draw = await createPipeline(again, { engine: await nodeEngine(), sampler: 'ddim' });
    const { images } = await draw({ count: 1, steps: 1 });
    expect(images).toHaveLength(1);
    await draw.dispose();
  });

  it('brings calibration images from the zoo', async () => {
    const model = await loadModel('zoo:fashion-ddpm-32');
    const data = await loadImages(model, 'zoo:fashion-mnist', { samples: 2 });
    expect(data).toMatchObject({ samples: 2, timesteps: 1000 });
    for await (const { feeds, timesteps } of data.batches({ timesteps: [10] })) {
      expect(timesteps).toEqual([10, 10]);
      expect(feeds.sample!.shape).toEqual([2, 1, 32, 32]);
    }
    expect(diffPruning({ threshold: 0.1 }).options).toMatchObject({ threshold: 0.1 });
  });
});
