import type { UNet2DConditionConfig } from '../unet2d-condition-model/config.js';
import { inModules, type PlaceOf } from './stored-place.js';

const resnetLayers: readonly (readonly [string, string])[] = [
  ['norm1', 'in_layers.0'],
  ['conv1', 'in_layers.2'],
  ['time_emb_proj', 'emb_layers.1'],
  ['norm2', 'out_layers.0'],
  ['conv2', 'out_layers.3'],
  ['conv_shortcut', 'skip_connection'],
];

/**
 * Original keys of a U-Net: blocks are counted through, `input_blocks.1` and on, the downsampling one of its own; within a
 * block the residual block is 0, its attention 1, and an upsampling what comes next.
 *
 * @param prefix  of all keys, e.g. `model.diffusion_model.`
 */
export function unetKeys(config: UNet2DConditionConfig, prefix: string): PlaceOf {
  const modules = new Map([
    ['conv_in', 'input_blocks.0.0'],
    ['time_embedding.linear_1', 'time_embed.0'],
    ['time_embedding.linear_2', 'time_embed.2'],
    ['add_embedding.linear_1', 'label_emb.0.0'],
    ['add_embedding.linear_2', 'label_emb.0.2'],
    ['class_embedding.linear_1', 'label_emb.0.0'],
    ['class_embedding.linear_2', 'label_emb.0.2'],
    ['class_embedding', 'label_emb'],
    ['conv_norm_out', 'out.0'],
    ['conv_out', 'out.2'],
  ]);
  const resnet = (path: string, original: string): void => {
    for (const [layer, name] of resnetLayers) modules.set(`${path}.${layer}`, `${original}.${name}`);
  };
  downKeys(config, modules, resnet);
  resnet('mid_block.resnets.0', 'middle_block.0');
  modules.set('mid_block.attentions.0', 'middle_block.1');
  resnet('mid_block.resnets.1', 'middle_block.2');
  upKeys(config, modules, resnet);
  return (name) => ({ key: prefix + (inModules(name, modules) ?? name) });
}

type AddResnet = (path: string, original: string) => void;

function downKeys({ stages }: UNet2DConditionConfig, modules: Map<string, string>, resnet: AddResnet): void {
  let block = 1;
  stages.forEach(({ layers }, i) => {
    for (let layer = 0; layer < layers; layer++, block++) {
      resnet(`down_blocks.${i}.resnets.${layer}`, `input_blocks.${block}.0`);
      modules.set(`down_blocks.${i}.attentions.${layer}`, `input_blocks.${block}.1`);
    }
    if (i === stages.length - 1) return;
    modules.set(`down_blocks.${i}.downsamplers.0.conv`, `input_blocks.${block}.0.op`);
    block++;
  });
}

function upKeys(config: UNet2DConditionConfig, modules: Map<string, string>, resnet: AddResnet): void {
  let block = 0;
  [...config.stages].reverse().forEach(({ layers }, i) => {
    const attends = config.up_block_types[i] === 'CrossAttnUpBlock2D';
    for (let layer = 0; layer <= layers; layer++, block++) {
      resnet(`up_blocks.${i}.resnets.${layer}`, `output_blocks.${block}.0`);
      modules.set(`up_blocks.${i}.attentions.${layer}`, `output_blocks.${block}.1`);
    }
    if (i === config.stages.length - 1) return;
    modules.set(`up_blocks.${i}.upsamplers.0.conv`, `output_blocks.${block - 1}.${attends ? 2 : 1}.conv`);
  });
}
