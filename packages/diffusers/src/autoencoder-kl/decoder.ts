import { blockResnet } from '../blocks/block.js';
import { conv2d } from '../layers/conv2d.js';
import { upsample } from '../layers/samplers.js';
import type { Feature, ModuleBuilder } from '../module-builder.js';
import { blockAttention, blockOptions, midBlock, outLayers } from './block.js';
import type { AutoencoderKLConfig } from './config.js';

/**
 * From a latent, already scaled back, to a picture.
 *
 * @param x  `[batch, latent_channels, height, width]`
 * @returns `[batch, out_channels, …]`; height and width doubled once for every stage but the last
 */
export function decode(m: ModuleBuilder, x: Feature, config: AutoencoderKLConfig): Feature {
  if (config.use_post_quant_conv) {
    x = conv2d(m, 'post_quant_conv', x, { outChannels: config.latent_channels, kernel: 1 });
  }
  return m.at('decoder', () => {
    x = conv2d(m, 'conv_in', x, { outChannels: config.block_out_channels.at(-1)!, kernel: 3 });
    x = midBlock(m, x, config);
    config.up_block_types.forEach((_, i) => {
      x = upBlock(m, x, config, i);
    });
    return outLayers(m, x, config, { outChannels: config.out_channels, prunable: false });
  });
}

/** UpDecoderBlock2D, or AttnUpDecoderBlock2D with attentions. */
function upBlock(m: ModuleBuilder, x: Feature, config: AutoencoderKLConfig, i: number): Feature {
  const channels = [...config.block_out_channels].reverse();
  const [inChannels, outChannels] = [channels[Math.max(i - 1, 0)]!, channels[i]!];
  const layers = config.layers_per_block + 1;
  const block = blockOptions(config, { inChannels, outChannels, layers, last: i === channels.length - 1 });
  const attends = config.up_block_types[i] === 'AttnUpDecoderBlock2D';
  return m.at(`up_blocks.${i}`, () => {
    for (let layer = 0; layer < layers; layer++) {
      x = blockResnet(m, `resnets.${layer}`, x, block, { inChannels: layer === 0 ? inChannels : outChannels });
      if (attends) x = blockAttention(m, `attentions.${layer}`, x, block);
    }
    return block.last ? x : upsample(m, 'upsamplers.0', x, outChannels);
  });
}
