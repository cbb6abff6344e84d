import { describe, expect, it } from 'vitest';
import { parseAutoencoderKLConfig } from '../../src/index.js';
import { readJson } from '../support/fixtures.js';

const json = readJson('configs/sd-vae/config.json');

describe('parseAutoencoderKLConfig', () => {
  it('fills in diffusers’ defaults', () => {
    expect(parseAutoencoderKLConfig({})).toEqual({
      in_channels: 3,
      out_channels: 3,
      down_block_types: ['DownEncoderBlock2D'],
      up_block_types: ['UpDecoderBlock2D'],
      block_out_channels: [64],
      layers_per_block: 1,
      act_fn: 'silu',
      latent_channels: 4,
      norm_num_groups: 32,
      sample_size: 32,
      scaling_factor: 0.18215,
      shift_factor: null,
      latents_mean: null,
      latents_std: null,
      force_upcast: true,
      use_quant_conv: true,
      use_post_quant_conv: true,
      mid_block_add_attention: true,
    });
  });

  it.each([
    ['down_block_types', ['DownEncoderBlock2D'], /has 1 entries, block_out_channels has 4/],
    ['up_block_types', ['UpBlock2D', 'UpDecoderBlock2D', 'UpDecoderBlock2D', 'UpDecoderBlock2D'], /up_block_types\.0/],
    ['latent_channels', 0, /at least 1/],
    ['use_quant_conv', 'yes', /boolean/],
    ['layers', 2, /not a field of AutoencoderKL/],
  ])('refuses a wrong %s by its name', (field, value, message) => {
    expect(() => parseAutoencoderKLConfig({ ...json, [field]: value })).toThrow(
      expect.objectContaining({ code: 'BAD_CONFIG', message: expect.stringMatching(message) }),
    );
  });
});
