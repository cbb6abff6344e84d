import { describe, expect, it } from 'vitest';
import { parseDiTTransformer2DConfig } from '../../src/index.js';
import { readJson } from '../support/fixtures.js';

const small = readJson('dit/config.json');
const parse = (fields: Record<string, unknown>) => () => parseDiTTransformer2DConfig({ ...small, ...fields });

describe('parseDiTTransformer2DConfig', () => {
  it("fills in the class' defaults", () => {
    expect(parseDiTTransformer2DConfig({ _class_name: 'DiTTransformer2DModel' })).toMatchObject({
      num_attention_heads: 16,
      attention_head_dim: 72,
      in_channels: 4,
      out_channels: null,
      num_layers: 28,
      attention_bias: true,
      sample_size: 32,
      patch_size: 2,
      activation_fn: 'gelu-approximate',
      num_embeds_ada_norm: 1000,
      norm_elementwise_affine: false,
      norm_eps: 1e-5,
    });
  });

  it.each([
    ['num_layer', { num_layer: 2 }, /^num_layer is not a field of DiTTransformer2DModel/],
    ['num_layers', { num_layers: 0 }, /must be at least 1, is 0/],
    ['norm_type', { norm_type: 'ada_norm' }, /must be "ada_norm_zero", is "ada_norm"/],
    ['activation_fn', { activation_fn: 'relu' }, /is "relu"/],
    ['attention_head_dim', { num_attention_heads: 3, attention_head_dim: 2 }, /times heads is 6, .*multiple of 4/],
    ['sample_size', { sample_size: 1 }, /is 1, must be at least patch_size, 2/],
    ['num_embeds_ada_norm', { num_embeds_ada_norm: null }, /^num_embeds_ada_norm must be/],
    ['sample_size', { sample_size: [8, 8] }, /^sample_size must be/],
  ])('names a wrong field: %s', (field, fields, message) => {
    expect(parse(fields)).toThrow(
      expect.objectContaining({ code: 'BAD_CONFIG', field, message: expect.stringMatching(message) }),
    );
  });
});
