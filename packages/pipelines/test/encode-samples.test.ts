import { referenceEngine } from '@secateur/core/conformance';
import { float32, toFloat32 } from '@secateur/graph';
import { torchGenerator } from '@secateur/samplers';
import { seededTensor } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { OpenedFolder } from '../src/from-pretrained.js';
import { encodeSamples } from '../src/index.js';
import { tinyFolder } from './tiny-pipeline.js';

const engine = referenceEngine();
const pictures = seededTensor(4, [2, 1, 16, 16], 0.5);
const prompts = ['a photo of a sneaker', 'a photo of a coat'];

describe('encodeSamples', () => {
  it('gives the autoencoder’s latents and the text encoder’s last states', async () => {
    const folder = await tinyFolder('sd');
    const { samples, conditions, shared } = await encodeSamples(folder, { engine, pictures, prompts, seed: 3 });
    const opened = new OpenedFolder(folder, { engine });
    const [vae, [encoder]] = [(await opened.autoencoder({}))!, await opened.textEncoders(await opened.denoiser(), {})];
    const latents = await vae.encode(pictures, torchGenerator(3), { batchSize: 2 });
    expect(samples).toEqual(latents);
    const { last } = await encoder.encode(prompts, { batchSize: 2 });
    expect(Object.keys(conditions)).toEqual(['encoder_hidden_states']);
    expect(conditions.encoder_hidden_states.shape).toEqual(last.shape);
    expect(toFloat32(conditions.encoder_hidden_states)).toEqual(toFloat32(last));
    expect(shared).toEqual({});
  });

  it('wants a prompt a picture, and a pipeline that takes prompts', async () => {
    const folder = await tinyFolder('sd');
    const refused = (given: Promise<unknown>) =>
      expect(given).rejects.toMatchObject({ code: 'BAD_OPTION', field: 'prompts' });
    await refused(encodeSamples(folder, { engine, pictures, prompts: ['one'] }));
    const plain = float32([2, 4, 8, 8], new Float32Array(512));
    await expect(encodeSamples(await tinyFolder('dit'), { engine, pictures: plain, prompts })).rejects.toMatchObject({
      code: 'BAD_OPTION',
    });
  });
});
