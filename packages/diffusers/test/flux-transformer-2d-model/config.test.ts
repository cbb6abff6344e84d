import { describe, expect, it } from 'vitest';
import { parseFluxTransformer2DConfig } from '../../src/index.js';
import { readJson } from '../support/fixtures.js';

const small = readJson('flux/config.json');
const parse = (fields: Record<string, unknown>) => () => parseFluxTransformer2DConfig({ ...small, ...fields });

describe('parseFluxTransformer2DConfig', () => {
  it("fills in the class' defaults", () => {
    expect(parseFluxTransformer2DConfig({ _class_name: 'FluxTransformer2DModel' })).toEqual({
      patch_size: 1,
      in_channels: 64,
      out_channels: null,
      num_layers: 19,
      num_single_layers: 38,
      attention_head_dim: 128,
      num_attention_heads: 24,
      joint_attention_dim: 4096,
      pooled_projection_dim: 768,
      guidance_embeds: false,
      axes_dims_rope: [16, 56, 56],
    });
  });

  it.each([
    ['layers', { layers: 2 }, /^layers is not a field of FluxTransformer2DModel/],
    ['axes_dims_rope', { axes_dims_rope: [2, 2] }, /adds up to 4, must be attention_head_dim, 8/],
    ['axes_dims_rope', { axes_dims_rope: [3, 5] }, /must be even numbers/],
    ['axes_dims_rope', { axes_dims_rope: [] }, /^axes_dims_rope must be/],
    ['num_layers', { num_layers: -1 }, /^num_layers must be/],
  ])('names a wrong field: %s', (field, fields, message) => {
    expect(parse(fields)).toThrow(
      expect.objectContaining({ code: 'BAD_CONFIG', field, message: expect.stringMatching(message) }),
    );
  });
});
