import { describe, expect, it } from 'vitest';
import { configText } from '../../src/format/config-text.js';

const config = { initializer_factor: 1, layer_norm_eps: 1e-5, num_layers: 2, dropout: 0 };

describe('configText', () => {
  it('writes whole fractions as transformers wants them', () => {
    expect(configText(config, 'transformers')).toBe(
      '{\n  "initializer_factor": 1.0,\n  "layer_norm_eps": 0.00001,\n  "num_layers": 2,\n  "dropout": 0.0\n}\n',
    );
    expect(JSON.parse(configText(config, 'transformers'))).toEqual(config);
  });

  it('leaves those of diffusers as they are', () => {
    expect(configText(config, 'diffusers')).toBe(`${JSON.stringify(config, null, 2)}\n`);
  });
});
