import type { AutoencoderKLConfig } from '../autoencoder-kl/config.js';
import { inModules, type PlaceOf } from './stored-place.js';

const attentionLayers: readonly (readonly [string, string])[] = [
  ['group_norm', 'norm'],
  ['to_q', 'q'],
  ['to_k', 'k'],
  ['to_v', 'v'],
  ['to_out.0', 'proj_out'],
];

const resnetLayers = ['norm1', 'conv1', 'norm2', 'conv2'];

/**
 * Original keys of an autoencoder. The decoder's stages are counted from the largest, against diffusers' order; the
 * projections of its attention are convolutions of one pixel.
 *
 * @param prefix  of all keys, e.g. `first_stage_model.`
 */
export function autoencoderKeys(config: AutoencoderKLConfig, prefix: string): PlaceOf {
  const modules = new Map<string, string>();
  const resnet = (path: string, original: string): void => {
    for (const layer of resnetLayers) modules.set(`${path}.${layer}`, `${original}.${layer}`);
    modules.set(`${path}.conv_shortcut`, `${original}.nin_shortcut`);
  };
  for (const half of ['encoder', 'decoder']) {
    modules.set(`${half}.conv_norm_out`, `${half}.norm_out`);
    resnet(`${half}.mid_block.resnets.0`, `${half}.mid.block_1`);
    resnet(`${half}.mid_block.resnets.1`, `${half}.mid.block_2`);
    for (const [layer, name] of attentionLayers)
      modules.set(`${half}.mid_block.attentions.0.${layer}`, `${half}.mid.attn_1.${name}`);
  }
  const last = config.block_out_channels.length - 1;
  for (let i = 0; i <= last; i++) {
    for (let layer = 0; layer < config.layers_per_block; layer++) {
      resnet(`encoder.down_blocks.${i}.resnets.${layer}`, `encoder.down.${i}.block.${layer}`);
    }
    modules.set(`encoder.down_blocks.${i}.downsamplers.0.conv`, `encoder.down.${i}.downsample.conv`);
    for (let layer = 0; layer <= config.layers_per_block; layer++) {
      resnet(`decoder.up_blocks.${i}.resnets.${layer}`, `decoder.up.${last - i}.block.${layer}`);
    }
    modules.set(`decoder.up_blocks.${i}.upsamplers.0.conv`, `decoder.up.${last - i}.upsample.conv`);
  }
  return (name) => ({ key: prefix + (inModules(name, modules) ?? name) });
}
