import { describe, expect, it } from 'vitest';
import { brightnessOf, type CaptionWords, captionOf } from '../src/captions.js';

const words: CaptionWords = {
  templates: ['a photo of a {}', '{}'],
  names: [['tee'], ['trousers'], ['boot', 'ankle boot']],
  shades: { dark: 0.4, light: 0.65 },
};

describe('captionOf', () => {
  it('takes template, name and shade from the draws', () => {
    expect(captionOf(words, 0, 0.2, () => 0)).toBe('a photo of a dark tee');
    expect(captionOf(words, 0, 0.65, () => 0)).toBe('a photo of a light tee');
    expect(captionOf(words, 0, 0.5, () => 0)).toBe('a photo of a tee');
    expect(captionOf(words, 0, undefined, () => 0)).toBe('a photo of a tee');
    expect(captionOf(words, 2, 0.2, () => 0.99)).toBe('ankle boot');
  });

  it('is English', () => {
    expect(captionOf(words, 1, 0.2, () => 0)).toBe('a photo of dark trousers');
    expect(captionOf(words, 2, undefined, (choice) => (choice === 1 ? 0.99 : 0))).toBe('a photo of an ankle boot');
  });

  it('refuses a class without names', () => {
    expect(() => captionOf(words, 3, undefined, () => 0)).toThrow('classes 0 to 2, not 3');
  });
});

describe('brightnessOf', () => {
  it('is the mean of what is not black', () => {
    const pictures = { shape: [2, 2, 2], data: Uint8Array.of(0, 0, 0, 0, 0, 255, 51, 0) };
    expect(brightnessOf(pictures, 1)).toBeCloseTo(0.6, 12);
    expect(brightnessOf(pictures, 0)).toBe(0);
  });
});
