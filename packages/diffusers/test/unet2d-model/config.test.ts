import { describe, expect, it } from 'vitest';
import { parseUNet2DConfig } from '../../src/index.js';
import { readJson } from '../support/fixtures.js';

const tiny = readJson('unet2d-tiny/config.json');
const parse = (fields: Record<string, unknown>) => () => parseUNet2DConfig({ ...tiny, ...fields });

describe('parseUNet2DConfig', () => {
  it("fills in the class' defaults", () => {
    expect(parseUNet2DConfig({ _class_name: 'UNet2DModel' })).toMatchObject({
      in_channels: 3,
      block_out_channels: [224, 448, 672, 896],
      down_block_types: ['DownBlock2D', 'AttnDownBlock2D', 'AttnDownBlock2D', 'AttnDownBlock2D'],
      attention_head_dim: 8,
      norm_num_groups: 32,
      norm_eps: 1e-5,
      sample_size: null,
      mid_block_type: 'UNetMidBlock2D',
    });
  });

  it('keeps null where the class gives it a meaning', () => {
    expect(parse({ attention_head_dim: null, mid_block_type: null })()).toMatchObject({
      attention_head_dim: null,
      mid_block_type: null,
    });
  });

  it('drops the prefix of old block names', () => {
    const types = ['UNetResDownBlock2D', 'UNetResAttnDownBlock2D'];
    expect(parse({ down_block_types: types })().down_block_types).toEqual(['DownBlock2D', 'AttnDownBlock2D']);
  });

  it.each([
    ['cross_attention_dim', { cross_attention_dim: 768 }, /^cross_attention_dim is not a field of UNet2DModel/],
    ['in_channels', { in_channels: 0 }, /^in_channels must be at least 1, is 0/],
    ['layers_per_block', { layers_per_block: 1.5 }, /^layers_per_block must be a whole number, is 1.5/],
    ['downsample_padding', { downsample_padding: 2 }, /^downsample_padding must be \(0 \| 1\), is 2/],
    ['act_fn', { act_fn: 'tanh' }, /^act_fn must be .*"silu".*, is "tanh"/],
    ['down_block_types.1', { down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D'] }, /"CrossAttnDownBlock2D"/],
    ['up_block_types', { up_block_types: ['UpBlock2D'] }, /^up_block_types has 1 entries, block_out_channels has 2/],
    ['num_train_timesteps', { time_embedding_type: 'learned' }, /^num_train_timesteps must be a number/],
    ['freq_shift', { freq_shift: 8 }, /^freq_shift is 8, must be below 8/],
    ['norm_eps', { norm_eps: Number.NaN }, /^norm_eps must be/],
    ['dropout', { dropout: '0' }, /^dropout must be number, is "0"/],
  ])('names a wrong field: %s', (field, fields, message) => {
    expect(parse(fields)).toThrow(
      expect.objectContaining({ code: 'BAD_CONFIG', field, message: expect.stringMatching(message) }),
    );
  });

  it('refuses what is no object', () => {
    for (const json of [null, [], 'UNet2DModel']) {
      expect(() => parseUNet2DConfig(json)).toThrow(expect.objectContaining({ code: 'BAD_CONFIG' }));
    }
  });
});
