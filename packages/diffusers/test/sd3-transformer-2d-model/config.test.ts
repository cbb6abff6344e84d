import { describe, expect, it } from 'vitest';
import { parseSD3Transformer2DConfig } from '../../src/index.js';
import { readJson } from '../support/fixtures.js';

const small = readJson('sd3/config.json');
const parse = (fields: Record<string, unknown>) => () => parseSD3Transformer2DConfig({ ...small, ...fields });

describe('parseSD3Transformer2DConfig', () => {
  it("fills in the class' defaults", () => {
    expect(parseSD3Transformer2DConfig({ _class_name: 'SD3Transformer2DModel' })).toEqual({
      sample_size: 128,
      patch_size: 2,
      in_channels: 16,
      out_channels: 16,
      num_layers: 18,
      attention_head_dim: 64,
      num_attention_heads: 18,
      joint_attention_dim: 4096,
      caption_projection_dim: 1152,
      pooled_projection_dim: 2048,
      pos_embed_max_size: 96,
      dual_attention_layers: [],
      qk_norm: null,
    });
  });

  it.each([
    ['layers', { layers: 2 }, /^layers is not a field of SD3Transformer2DModel/],
    ['qk_norm', { qk_norm: 'l2' }, /is "l2"/],
    ['caption_projection_dim', { caption_projection_dim: 8 }, /is 8, must be heads times their width, 16/],
    ['attention_head_dim', { num_attention_heads: 1, attention_head_dim: 2 }, /times heads is 2, .*multiple of 4/],
    ['pos_embed_max_size', { pos_embed_max_size: 0 }, /must be at least 1, is 0/],
    ['sample_size', { patch_size: 16 }, /is 8, must be at least patch_size, 16/],
    ['dual_attention_layers', { dual_attention_layers: 3 }, /^dual_attention_layers must be/],
  ])('names a wrong field: %s', (field, fields, message) => {
    expect(parse(fields)).toThrow(
      expect.objectContaining({ code: 'BAD_CONFIG', field, message: expect.stringMatching(message) }),
    );
  });
});
