import { describe, expect, it } from 'vitest';
import { parseCLIPTextConfig } from '../../src/index.js';

describe('parseCLIPTextConfig', () => {
  it('fills in transformers’ defaults, and passes over what is not the class’ own', () => {
    expect(parseCLIPTextConfig({ architectures: ['CLIPTextModel'], torch_dtype: 'float32', bos_token_id: 0 })).toEqual({
      vocab_size: 49_408,
      hidden_size: 512,
      intermediate_size: 2048,
      projection_dim: 512,
      num_hidden_layers: 12,
      num_attention_heads: 8,
      max_position_embeddings: 77,
      act: 'quick_gelu',
      layer_norm_eps: 1e-5,
      eos_token_id: 49_407,
    });
  });

  it.each([
    ['num_attention_heads', 7, /is 7, which does not divide hidden_size 512/],
    ['hidden_act', 'tanh', /must be one of gelu,/],
    ['eos_token_id', [1, 2], /must be number/],
    ['num_hidden_layers', 0, /at least 1/],
  ])('refuses a wrong %s by its name', (field, value, message) => {
    expect(() => parseCLIPTextConfig({ [field]: value })).toThrow(
      expect.objectContaining({ code: 'BAD_CONFIG', field, message: expect.stringMatching(message) }),
    );
  });

  it('needs the width of a projection only where there is one', () => {
    expect(parseCLIPTextConfig({ projection_dim: null }).projection_dim).toBe(0);
    expect(() => parseCLIPTextConfig({ projection_dim: null }, 'CLIPTextModelWithProjection')).toThrow(
      expect.objectContaining({ code: 'BAD_CONFIG', field: 'projection_dim' }),
    );
  });
});
