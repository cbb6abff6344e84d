import { nodeFolder } from '@secateur/core/node';
import { diffusersFormat } from '@secateur/diffusers';
import { toFloat32 } from '@secateur/graph';
import { nodeEngine } from '@secateur/runtime/node';
import { fixturePath, loadFixtureTensors, relativeError } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { createPipeline } from '../src/index.js';

const training = { beta_schedule: 'linear', num_train_timesteps: 1000 };

/** diffusers' `output_type='numpy'`: `[count, height, width, channels]` in [0, 1]. */
function asDiffusersHasIt(raw: Float32Array, [count, channels, height, width]: readonly number[]): Float32Array {
  const out = new Float32Array(raw.length);
  const plane = height * width;
  for (let n = 0; n < count; n++) {
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < plane; i++) {
        const value = raw[(n * channels + c) * plane + i] / 2 + 0.5;
        out[(n * plane + i) * channels + c] = Math.min(Math.max(value, 0), 1);
      }
    }
  }
  return out;
}

// Measured 3e-5 (DDIM, whose first step divides by a signal of 0.006) and 3e-6 (DDPM).
describe('the same seed gives diffusers’ pictures, to 1e-4', () => {
  const expected = loadFixtureTensors('schedulers/torch-rng-and-pipelines.safetensors');

  it.each([
    ['ddim10.seed0', 'DDIMScheduler'],
    ['ddpm10.seed0', 'DDPMScheduler'],
  ])('%s', async (name, _class_name) => {
    const model = await diffusersFormat.load({ folder: await nodeFolder(fixturePath('unet2d-tiny')) });
    const engine = await nodeEngine({ threads: 1 });
    const pipe = await createPipeline(model, { engine, sampler: { _class_name, ...training } });
    const { raw, images } = await pipe({ count: 2, steps: 10, seed: 0 });
    await pipe.dispose();
    const error = relativeError(asDiffusersHasIt(toFloat32(raw), raw.shape), expected[name].data as Float32Array);
    expect(error).toBeLessThan(1e-4);
    expect(images.map(({ width, height, channels }) => [width, height, channels])).toEqual([
      [16, 16, 3],
      [16, 16, 3],
    ]);
  });
});
