import { downLayers, thenHalve } from '../blocks/layers.js';
import { conv2d } from '../layers/conv2d.js';
import { downsample } from '../layers/samplers.js';
import type { Feature, ModuleBuilder } from '../module-builder.js';
import { blockAttention, blockOptions, midBlock, outLayers } from './block.js';
import type { AutoencoderKLConfig } from './config.js';

/**
 * From a picture to the moments of its latent: mean, then log-variance.
 *
 * @param x  `[batch, in_channels, height, width]`
 * @returns `[batch, 2 * latent_channels, …]`; height and width halved, rounding down, once for every stage but the last
 */
export function encode(m: ModuleBuilder, x: Feature, config: AutoencoderKLConfig): Feature {
  const { use_quant_conv: hasQuantConv, latent_channels: latent } = config;
  const hidden = m.at('encoder', () => {
    x = conv2d(m, 'conv_in', x, { outChannels: config.block_out_channels[0]!, kernel: 3 });
    config.down_block_types.forEach((_, i) => {
      x = downBlock(m, x, config, i);
    });
    return outLayers(m, midBlock(m, x, config), config, { outChannels: 2 * latent, prunable: hasQuantConv });
  });
  if (!hasQuantConv) return hidden;
  return conv2d(m, 'quant_conv', hidden, { outChannels: 2 * latent, prunable: false, kernel: 1 });
}

/** DownEncoderBlock2D, or AttnDownEncoderBlock2D with attentions. */
function downBlock(m: ModuleBuilder, x: Feature, config: AutoencoderKLConfig, i: number): Feature {
  const { block_out_channels: channels, layers_per_block: layers } = config;
  const [inChannels, outChannels] = [channels[Math.max(i - 1, 0)]!, channels[i]!];
  const block = blockOptions(config, { inChannels, outChannels, layers, last: i === channels.length - 1 });
  const attends = config.down_block_types[i] === 'AttnDownEncoderBlock2D';
  return m.at(`down_blocks.${i}`, () => {
    const results = downLayers(
      m,
      x,
      block,
      attends ? (y, layer) => blockAttention(m, `attentions.${layer}`, y, block) : undefined,
    );
    return thenHalve(results, block, (last) => downsample(m, 'downsamplers.0', last, outChannels, 0)).out;
  });
}
