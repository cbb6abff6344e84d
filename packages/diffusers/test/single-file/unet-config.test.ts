import { describe, expect, it } from 'vitest';
import { unet2dConditionModel } from '../../src/index.js';
import { unetConfigOf } from '../../src/single-file/unet-config.js';
import { unetKeys } from '../../src/single-file/unet-keys.js';
import { parseUNet2DConditionConfig } from '../../src/unet2d-condition-model/config.js';
import { readJson } from '../support/fixtures.js';

const prefix = 'model.diffusion_model.';

/** Shapes of a configuration's tensors by their original keys. */
function originalShapes(config: Record<string, unknown>) {
  const placeOf = unetKeys(parseUNet2DConditionConfig(config), prefix);
  return new Map(unet2dConditionModel.tensors(config).map(({ name, shape }) => [placeOf(name).key, shape]));
}

const published = ['sd-v1-5', 'sd-v2-1-base', 'sdxl-base', 'bk-sdm-base', 'bk-sdm-small', 'bk-sdm-tiny'];
const read = (name: string) => readJson(`configs/${name}/config.json`);

const refiner = {
  ...read('sdxl-base'),
  block_out_channels: [384, 768, 1536, 1536],
  attention_head_dim: [6, 12, 24, 24],
  down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
  cross_attention_dim: 1280,
  transformer_layers_per_block: 4,
  projection_class_embeddings_input_dim: 2560,
};

/** Layers of one stage of different depths, up and down. */
const uneven = {
  ...read('sdxl-base'),
  transformer_layers_per_block: [1, [2, 2], [4, 3]],
  reverse_transformer_layers_per_block: [[4, 4, 10], [2, 1, 1], 1],
  mid_block_type: 'UNetMidBlock2D',
};

const configs = [
  ...published.map((name) => [name, read(name)] as const),
  ['inpainting', { ...read('sd-v1-5'), in_channels: 9 }] as const,
  ['refiner', refiner] as const,
  ['uneven depths', uneven] as const,
];

describe('unetConfigOf', () => {
  it.each(configs)('reads the configuration that made the shapes: %s', (_, config) => {
    const found = parseUNet2DConditionConfig(unetConfigOf(originalShapes(config), prefix));
    const wanted = parseUNet2DConditionConfig(config);
    // What no shape holds, and the depths of stages without attention.
    const { sample_size: _a, stages, upcast_attention: _b, ...rest } = found;
    const depths = [
      'transformer_layers_per_block',
      'reverse_transformer_layers_per_block',
      'attention_head_dim',
      'layers_per_block',
    ];
    for (const [field, value] of Object.entries(rest)) {
      if (!depths.includes(field)) expect(value, field).toEqual(wanted[field as keyof typeof wanted]);
    }
    const attends = wanted.down_block_types.map((type) => type === 'CrossAttnDownBlock2D');
    stages.forEach((stage, i) => {
      const { downDepths, upDepths, heads, ...others } = stage;
      const { downDepths: down, upDepths: up, heads: count, ...same } = wanted.stages[i]!;
      expect(others).toEqual(same);
      if (attends[i]) expect({ downDepths, upDepths, heads }).toEqual({ downDepths: down, upDepths: up, heads: count });
    });
    const tensors = (json: Record<string, unknown>) =>
      unet2dConditionModel.tensors(json).map(({ name, shape }) => [name, shape]);
    expect(tensors(unetConfigOf(originalShapes(config), prefix))).toEqual(tensors(config));
  });

  it('gives every tensor a key of its own', () => {
    for (const [name, config] of configs) {
      expect(originalShapes(config).size, name).toBe(unet2dConditionModel.tensors(config).length);
    }
  });

  it('knows Stable Diffusion 1.5 by its keys', () => {
    const shapes = originalShapes(read('sd-v1-5'));
    expect(shapes.size).toBe(686);
    expect(shapes.get(`${prefix}input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight`)).toEqual([640, 768]);
    expect(shapes.get(`${prefix}output_blocks.5.2.conv.weight`)).toEqual([1280, 1280, 3, 3]);
    expect(shapes.get(`${prefix}output_blocks.11.0.skip_connection.weight`)).toEqual([320, 640, 1, 1]);
    expect(shapes.get(`${prefix}middle_block.2.out_layers.3.bias`)).toEqual([1280]);
  });

  it('takes no stages that do not match', () => {
    const shapes = new Map([...originalShapes(read('sd-v1-5'))].filter(([key]) => !key.includes('output_blocks.11.')));
    expect(() => unetConfigOf(shapes, prefix)).toThrow(expect.objectContaining({ code: 'BAD_FILE', field: prefix }));
  });
});
