import { describe, expect, it } from 'vitest';
import { loadScript, unet2dModel } from '../../src/index.js';

describe('loadScript', () => {
  it('looks for the model beside itself, or in the folder of the pipeline', () => {
    expect(loadScript(unet2dModel, '')).toContain('Path(__file__).resolve().parent / ""');
    expect(loadScript(unet2dModel, 'unet/')).toContain('Path(__file__).resolve().parent / "unet"');
  });

  it('keeps a hostile name text', () => {
    expect(loadScript(unet2dModel, 'a"\n$&/')).toContain('parent / "a\\"\\n$&")');
  });

  it('reads safetensors and JSON, and nothing that can run code', () => {
    expect(loadScript(unet2dModel, '')).not.toMatch(/pickle|torch\.load|eval\(\w|exec\(/);
    expect(loadScript(unet2dModel, '')).toContain('strict=True');
  });
});
