import { describe, expect, it } from 'vitest';
import { readPreprocessorConfig } from '../../src/index.js';

const clip = {
  crop_size: { height: 224, width: 224 },
  do_center_crop: true,
  do_convert_rgb: true,
  do_normalize: true,
  do_rescale: true,
  do_resize: true,
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_processor_type: 'CLIPImageProcessor',
  image_std: [0.26862954, 0.26130258, 0.27577711],
  resample: 3,
  rescale_factor: 0.00392156862745098,
  size: { shortest_edge: 224 },
};

describe('readPreprocessorConfig', () => {
  it('reads what transformers writes for CLIP', () => {
    const { image_mean: mean, image_std: std } = clip;
    expect(readPreprocessorConfig(clip, 'p.json')).toEqual({ mean, std, resize: 'bicubic' });
  });

  it('has values in [0, 1] where nothing is normalised', () => {
    expect(readPreprocessorConfig({ do_normalize: false }, 'p.json')).toEqual({ mean: [0], std: [1] });
  });

  it.each([
    ['no object', 3, ''],
    ['another scale', { ...clip, rescale_factor: 1 }, 'rescale_factor'],
    ['no scale', { ...clip, do_rescale: false }, 'do_rescale'],
    ['a filter that is not known', { ...clip, resample: 1 }, 'resample'],
    ['no mean', { ...clip, image_mean: undefined }, 'image_mean'],
    ['lists of two lengths', { ...clip, image_std: [1] }, 'image_mean'],
    ['a deviation of zero', { ...clip, image_std: [1, 0, 1] }, 'image_std'],
  ])('refuses %s', (_, config, field) => {
    expect(() => readPreprocessorConfig(config, 'p.json')).toThrow(
      expect.objectContaining({ code: 'BAD_CONFIG', file: 'p.json', field: expect.stringContaining(field) }),
    );
  });
});
