import { float32 } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { plainPreprocess, preprocess } from '../../src/index.js';

describe('preprocess', () => {
  const grey = float32([1, 1, 1, 2], [-1, 0.25]);

  it('leaves values as they are by default, bit for bit', () => {
    const size = { channels: 1, height: 1, width: 2 };
    expect(preprocess(grey, size, plainPreprocess)).toEqual(grey);
  });

  it('normalises values in [0, 1] by channel, grey as three equal colours', () => {
    const how = { mean: [0, 0.5, 0.25], std: [1, 0.5, 0.25] };
    const { shape, data } = preprocess(grey, { channels: 3, height: 1, width: 2 }, how);
    expect(shape).toEqual([1, 3, 1, 2]);
    // 0 and 0.625 in [0, 1].
    expect(Array.from(data, Number)).toEqual([0, 0.625, -1, 0.25, -1, 1.5]);
  });

  it('resizes so that the shorter side fits, and cuts to the middle', () => {
    // Four columns 0, 1, 2, 3 to a square of 2: the two in the middle, as they are.
    const wide = float32([1, 1, 2, 4], [-1, 0, 0.5, 1, -1, 0, 0.5, 1]);
    const how = { ...plainPreprocess, resize: 'bilinear' } as const;
    expect(Array.from(preprocess(wide, { channels: 1, height: 2, width: 2 }, how).data, Number)).toEqual([
      0, 0.5, 0, 0.5,
    ]);
  });

  it('says what does not fit', () => {
    const wanted = { channels: 1, height: 8, width: 8 };
    expect(() => preprocess(grey, wanted, plainPreprocess)).toThrow(
      'Pictures are 2×1 with 1 channel; the feature extractor takes 8×8 with 1 channel.',
    );
    const colour = float32([1, 3, 8, 8], new Float32Array(192));
    expect(() => preprocess(colour, wanted, { ...plainPreprocess, resize: 'bicubic' })).toThrow('8×8 with 3 channels');
  });
});
