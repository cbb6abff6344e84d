import { describe, expect, it } from 'vitest';
import { parsePixArtTransformer2DConfig } from '../../src/index.js';
import { readJson } from '../support/fixtures.js';

const small = readJson('pixart/config.json');
const parse = (fields: Record<string, unknown>) => () => parsePixArtTransformer2DConfig({ ...small, ...fields });

describe('parsePixArtTransformer2DConfig', () => {
  it("fills in the class' defaults, and what diffusers makes of the latents' size", () => {
    expect(parsePixArtTransformer2DConfig({ _class_name: 'PixArtTransformer2DModel' })).toMatchObject({
      num_attention_heads: 16,
      attention_head_dim: 72,
      in_channels: 4,
      out_channels: 8,
      num_layers: 28,
      cross_attention_dim: 1152,
      sample_size: 128,
      norm_eps: 1e-6,
      interpolation_scale: 2,
      use_additional_conditions: true,
      caption_channels: null,
    });
    expect(parsePixArtTransformer2DConfig({ sample_size: 32 })).toMatchObject({
      interpolation_scale: 1,
      use_additional_conditions: false,
    });
  });

  it.each([
    ['captions', { captions: 2 }, /^captions is not a field of PixArtTransformer2DModel/],
    ['norm_type', { norm_type: 'ada_norm_zero' }, /must be "ada_norm_single"/],
    ['attention_type', { attention_type: 'gated' }, /must be "default", is "gated"/],
    ['cross_attention_dim', { cross_attention_dim: 8 }, /is 8, must be heads times their width, 24/],
    ['cross_attention_dim', { cross_attention_dim: null }, /is null, must be/],
    ['use_additional_conditions', { num_attention_heads: 4, cross_attention_dim: 32 }, /shares 32 channels/],
    ['interpolation_scale', { interpolation_scale: 0 }, /^interpolation_scale must be/],
  ])('names a wrong field: %s', (field, fields, message) => {
    expect(parse(fields)).toThrow(
      expect.objectContaining({ code: 'BAD_CONFIG', field, message: expect.stringMatching(message) }),
    );
  });
});
