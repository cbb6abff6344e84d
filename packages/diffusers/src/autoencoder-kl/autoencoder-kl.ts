import { floorDivideDims, multiplyDims, symbol } from '@secateur/graph';
import { newAttentionNames } from '../blocks/attention-block.js';
import { sampleSizes } from '../blocks/sample.js';
import { unetLoadScript } from '../load-script/unet.js';
import { defineModelClass, type ModelClass } from '../model-class.js';
import type { ModuleBuilder } from '../module-builder.js';
import { changedFields } from './changed-fields.js';
import { type AutoencoderKLConfig, parseAutoencoderKLConfig } from './config.js';
import { decode } from './decoder.js';
import { encode } from './encoder.js';
import { autoencoderKLTies } from './width-ties.js';

/**
 * AutoencoderKL: the two halves side by side, which share nothing but the configuration. `subgraph` takes one by itself.
 *
 * Inputs: `latent` float32 `[batch, latent_channels, latent_height, latent_width]`; `sample` float32
 * `[batch, in_channels, height, width]`. Outputs: `out`, the decoded latent, `[batch, out_channels, …]` with height and
 * width doubled for every stage but the last; `moments`, mean and log-variance of the encoded sample,
 * `[batch, 2 * latent_channels, …]`. Scaling and moving latents is left to pipelines, as in diffusers.
 */
export const autoencoderKL: ModelClass = defineModelClass({
  name: 'AutoencoderKL',
  parse: parseAutoencoderKLConfig,
  write: writeModel,
  sizes,
  changedFields,
  newName: newAttentionNames,
  ties: autoencoderKLTies,
  // As optimum's exporter and pipelines have them.
  parts: [
    { folder: 'vae_encoder', outputs: ['moments'], names: { moments: 'latent_parameters' } },
    { folder: 'vae_decoder', outputs: ['out'], names: { latent: 'latent_sample', out: 'sample' } },
  ],
  loadScript: unetLoadScript,
});

function writeModel(m: ModuleBuilder, config: AutoencoderKLConfig): void {
  const { graph } = m;
  const { latent_channels: latentChannels, in_channels: inChannels, out_channels: outChannels } = config;
  const [batch, height, width] = [symbol('batch'), symbol('height'), symbol('width')];
  // Symbols of their own: a height that was halved, rounding down, does not say what it was.
  const [latentHeight, latentWidth] = [symbol('latent_height'), symbol('latent_width')];
  const latent = graph.input('latent', 'float32', [batch, latentChannels, latentHeight, latentWidth]);
  const sample = graph.input('sample', 'float32', [batch, inChannels, height, width]);
  const halvings = config.block_out_channels.length - 1;
  const factor = 2 ** halvings;

  const out = decode(m, { value: latent, channels: latentChannels, level: halvings }, config);
  const outSize = [latentHeight, latentWidth].map((size) => multiplyDims(size, factor));
  graph.output(out.value, 'float32', [batch, outChannels, ...outSize], 'out');

  const moments = encode(m, { value: sample, channels: inChannels, level: 0 }, config);
  const momentsSize = [height, width].map((size) => floorDivideDims(size, factor));
  graph.output(moments.value, 'float32', [batch, 2 * latentChannels, ...momentsSize], 'moments');
}

function sizes(config: AutoencoderKLConfig): Record<string, number> {
  const { height, width } = sampleSizes(config);
  const smaller = (size: number) => Math.max(1, Math.floor(size / 2 ** (config.block_out_channels.length - 1)));
  return { height, width, latent_height: smaller(height), latent_width: smaller(width) };
}
