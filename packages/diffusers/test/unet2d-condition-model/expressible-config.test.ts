import { couple } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { modelClasses, unet2dConditionModel, weightsFrom } from '../../src/index.js';
import { constantsOf, readJson } from '../support/fixtures.js';
import { cutTies } from '../support/removal.js';

const json = readJson('unet2d-cond-sdxl/config.json');
const weights = () => constantsOf('unet2d-cond-sdxl/diffusion_pytorch_model.safetensors');

/** The fixture without some modules. */
function without(removed: string[], tensors: (name: string) => boolean = () => true) {
  const left = weights();
  for (const name of [...left.keys()]) {
    if (removed.some((path) => name.startsWith(`${path}.`)) && tensors(name)) left.delete(name);
  }
  return unet2dConditionModel.build(json, weightsFrom(left), { removed });
}

describe('unet2dConditionModel.expressibleConfig', () => {
  it('is the configuration itself for a model that was not pruned', () => {
    expect(unet2dConditionModel.expressibleConfig(json, unet2dConditionModel.build(json, weightsFrom(weights())))).toBe(
      json,
    );
  });

  it('says narrower stages with fewer heads, when they were cut as the ties say', () => {
    const graph = unet2dConditionModel.build(json, weightsFrom(weights()));
    const coupling = couple(graph);
    const ties = modelClasses.get('UNet2DConditionModel')!.ties(json, coupling, 1);
    // The two have one width, and pass channels on to one another.
    expect(ties.ties.map(({ name, steps }) => [name, steps])).toEqual([
      ['stages 1 and 2', 4],
      ['time embedding', 64],
    ]);
    expect(unet2dConditionModel.expressibleConfig(json, cutTies(coupling, ties, 0.25))).toEqual({
      ...json,
      block_out_channels: [16, 24, 24],
      attention_head_dim: [2, 3, 3],
      time_embedding_dim: 48,
    });
  });

  it('says a stage without attentions, and a middle without its attention', () => {
    const removed = ['down_blocks.1.attentions.0', 'mid_block.attentions.0', 'mid_block.resnets.1'];
    expect(unet2dConditionModel.expressibleConfig(json, without(removed))).toEqual({
      ...json,
      attention_head_dim: [2, 4, 4],
      down_block_types: ['DownBlock2D', 'DownBlock2D', 'CrossAttnDownBlock2D'],
      mid_block_type: 'UNetMidBlock2D',
    });
  });

  it('says shallower transformers, for each attention its own depth', () => {
    const graph = without(['up_blocks.0.attentions.1.transformer_blocks.1']);
    expect(unet2dConditionModel.expressibleConfig(json, graph)).toEqual({
      ...json,
      transformer_layers_per_block: [1, 1, 2],
      reverse_transformer_layers_per_block: [[2, 1], 1, 1],
    });
  });

  it('has no field for a transformer block without its self-attention, nor for a first width', () => {
    const block = 'down_blocks.1.attentions.0.transformer_blocks.0';
    const left = weights();
    for (const name of [...left.keys()]) if (/^(attn1|norm1)\./.test(name.replace(`${block}.`, ''))) left.delete(name);
    const graph = unet2dConditionModel.build(json, weightsFrom(left), { removed: [`${block}.attn1`] });
    expect(unet2dConditionModel.expressibleConfig(json, graph)).toBeUndefined();
    const narrow = unet2dConditionModel.outline({ ...json, block_out_channels: [8, 32, 32] }).graph;
    expect(unet2dConditionModel.expressibleConfig(json, narrow)).toBeUndefined();
  });
});
