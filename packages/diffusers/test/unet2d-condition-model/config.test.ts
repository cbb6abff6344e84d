import { describe, expect, it } from 'vitest';
import { parseUNet2DConditionConfig } from '../../src/index.js';
import { readJson } from '../support/fixtures.js';

const small = readJson('unet2d-cond-sdxl/config.json');
const parse = (fields: Record<string, unknown>) => () => parseUNet2DConditionConfig({ ...small, ...fields });

describe('parseUNet2DConditionConfig', () => {
  it("fills in the class' defaults", () => {
    expect(parseUNet2DConditionConfig({ _class_name: 'UNet2DConditionModel' })).toMatchObject({
      in_channels: 4,
      block_out_channels: [320, 640, 1280, 1280],
      down_block_types: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
      mid_block_type: 'UNetMidBlock2DCrossAttn',
      stages: [{ heads: 8, layers: 2, textWidth: 1280, downDepths: [1, 1], upDepths: [1, 1, 1] }, {}, {}, {}],
    });
  });

  it('deals heads and depths to stages: SDXL', () => {
    const { stages } = parseUNet2DConditionConfig(readJson('configs/sdxl-base/config.json'));
    expect(stages.map(({ heads, downDepths, upDepths }) => [heads, downDepths, upDepths])).toEqual([
      [5, [1, 1], [1, 1, 1]],
      [10, [2, 2], [2, 2, 2]],
      [20, [10, 10], [10, 10, 10]],
    ]);
  });

  it('reads depths for every layer, on the way up the deepest stage first, as SSD-1B has them', () => {
    const { stages } = parseUNet2DConditionConfig({
      ...readJson('configs/sdxl-base/config.json'),
      mid_block_type: 'UNetMidBlock2D',
      transformer_layers_per_block: [0, [2, 2], [4, 4]],
      reverse_transformer_layers_per_block: [[4, 4, 10], [2, 1, 1], 1],
    });
    expect(stages.map(({ downDepths, upDepths }) => [downDepths, upDepths])).toEqual([
      [
        [0, 0],
        [1, 1, 1],
      ],
      [
        [2, 2],
        [2, 1, 1],
      ],
      [
        [4, 4],
        [4, 4, 10],
      ],
    ]);
  });

  it.each([
    ['sample_sizes', { sample_sizes: 8 }, /^sample_sizes is not a field of UNet2DConditionModel/],
    ['down_block_types.0', { down_block_types: ['KDownBlock2D', 'DownBlock2D', 'DownBlock2D'] }, /"KDownBlock2D"/],
    ['up_block_types', { up_block_types: ['UpBlock2D'] }, /has 1 entries, block_out_channels has 3/],
    ['attention_head_dim', { attention_head_dim: [2, 4] }, /has 2 entries, block_out_channels has 3/],
    ['attention_head_dim', { attention_head_dim: 64 }, /asks for 64 heads of 16 channels/],
    ['num_attention_heads', { num_attention_heads: 8 }, /must be null, is 8/],
    ['time_cond_proj_dim', { time_cond_proj_dim: 0 }, /^time_cond_proj_dim must be/],
    ['dual_cross_attention', { dual_cross_attention: true }, /must be false, is true/],
    ['addition_embed_type', { addition_embed_type: 'image' }, /"text_time".*is "image"/],
    ['addition_time_embed_dim', { addition_time_embed_dim: null }, /must be a number when addition_embed_type/],
    ['projection_class_embeddings_input_dim', { projection_class_embeddings_input_dim: 8 }, /must be above .* 8, is 8/],
    ['transformer_layers_per_block', { transformer_layers_per_block: [1, 1] }, /has 2 entries/],
    ['reverse_transformer_layers_per_block', { transformer_layers_per_block: [1, [1], 2] }, /must be given when/],
    ['norm_num_groups', { norm_num_groups: null }, /^norm_num_groups must be/],
    ['freq_shift', { freq_shift: 8 }, /^freq_shift is 8, must be below 8/],
  ])('names a wrong field: %s', (field, fields, message) => {
    expect(parse(fields)).toThrow(
      expect.objectContaining({ code: 'BAD_CONFIG', field, message: expect.stringMatching(message) }),
    );
  });
});
