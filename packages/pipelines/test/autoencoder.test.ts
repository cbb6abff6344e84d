import type { Model } from '@secateur/core';
import { float32, GraphBuilder, int, symbol, toNumbers } from '@secateur/graph';
import { torchGenerator } from '@secateur/samplers';
import { describe, expect, it } from 'vitest';
import { autoencoder } from '../src/autoencoder.js';
import { fakeEngine } from './fake-model.js';

/** One latent a pixel: decodes to the latent itself, encodes to the pixel as mean and a log-variance of `spread`. */
function identity(spread: number, names = { latent: 'latent', out: 'out', moments: 'moments' }): Model {
  const builder = new GraphBuilder('vae');
  const shape = (channels: number) => [symbol('batch'), channels, symbol('height'), symbol('width')];
  const latent = builder.input(names.latent, 'float32', shape(2));
  const sample = builder.input('sample', 'float32', shape(2));
  builder.output(builder.op('Identity', [latent]), 'float32', shape(2), names.out);
  const zeros = builder.op('Mul', [sample, builder.scalar(0)]);
  const logVariance = builder.op('Add', [zeros, builder.scalar(spread)]);
  const moments = builder.op('Concat', [sample, logVariance], { axis: int(1) });
  builder.output(moments, 'float32', shape(4), names.moments);
  return { name: 'vae', graph: builder.build(), format: 'test', sizes: {}, files: async () => [] };
}

const options = { batchSize: 1 };
const picture = float32([2, 2, 1, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
const open = (config: Record<string, unknown>, spread = -100, names?: Parameters<typeof identity>[1]) => {
  const model = identity(spread, names);
  return autoencoder({ decoder: model, encoder: model, config }, { engine: fakeEngine(), keep: true });
};

describe('an autoencoder', () => {
  it('undoes scale and shift before it decodes, and does them after it encodes', async () => {
    const vae = open({ scaling_factor: 0.5, shift_factor: 1, block_out_channels: [4, 8, 8] });
    expect(vae).toMatchObject({ latentChannels: 2, factor: 4 });
    expect(toNumbers(await vae.decode(picture, options))).toEqual([3, 5, 7, 9, 11, 13, 15, 17]);
    // A log-variance of -100 counts as -30: a spread of 3e-7.
    const latents = await vae.encode(picture, torchGenerator(0), options);
    for (const [i, value] of toNumbers(latents).entries()) expect(value).toBeCloseTo(0.5 * i, 5);
  });

  it('does so by each channel’s own statistics where it has them', async () => {
    const vae = open({ scaling_factor: 2, latents_mean: [1, 0], latents_std: [4, 2] });
    expect(toNumbers(await vae.decode(picture, options))).toEqual([3, 5, 3, 4, 11, 13, 7, 8]);
    const again = await vae.encode(await vae.decode(picture, options), torchGenerator(0), options);
    for (const [i, value] of toNumbers(again).entries()) expect(value).toBeCloseTo(i + 1, 5);
  });

  it('draws what it encodes from mean and variance', async () => {
    const vae = open({ scaling_factor: 1 }, Math.log(4));
    const noise = toNumbers(torchGenerator(5).randn(picture.shape));
    const latents = toNumbers(await vae.encode(picture, torchGenerator(5), options));
    for (const [i, value] of latents.entries()) expect(value).toBeCloseTo(i + 1 + 2 * noise[i], 5);
  });

  it('names what a model lacks that is none', () => {
    const names = { latent: 'z', out: 'out', moments: 'moments' };
    expect(() => open({}, -100, names)).toThrow(
      expect.objectContaining({
        code: 'BAD_CONFIG',
        field: 'latent',
        message: expect.stringContaining('no input latent'),
      }),
    );
  });

  it('refuses pictures of other channels', async () => {
    const vae = open({});
    const grey = float32([1, 1, 1, 2], [1, 2]);
    await expect(vae.encode(grey, torchGenerator(0), options)).rejects.toMatchObject({
      code: 'BAD_OPTION',
      field: 'image',
      message: 'The picture has 1 channels; the model’s have 2.',
    });
  });
});
