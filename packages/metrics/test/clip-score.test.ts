import type { TextImageEncoder } from '@secateur/core';
import { float32 } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { clipScore } from '../src/index.js';

const encoder = (images: number[], texts: number[]): TextImageEncoder => ({
  name: 'toy',
  encodeImages: async () => float32([images.length / 2, 2], images),
  encodeTexts: async () => float32([texts.length / 2, 2], texts),
});
const pictures = float32([3, 1, 1, 1], [0, 0, 0]);
const prompts = ['a', 'b', 'c'];

describe('clipScore', () => {
  it('averages cosines, those below zero as zero', async () => {
    // cos = 1, 3/5, -1
    const { value, spread, count } = await clipScore(
      encoder([2, 0, 5, 0, 1, 0], [1, 0, 3, 4, -1, 0]),
      pictures,
      prompts,
    );
    expect(value).toBeCloseTo(1.6 / 3, 6);
    expect(spread).toBeCloseTo(Math.sqrt((1 + 0.36) / 3 - (1.6 / 3) ** 2), 6);
    expect(count).toEqual({ actual: 3, reference: 3 });
  });

  it('scales', async () => {
    const same = encoder([1, 0, 1, 0, 1, 0], [1, 0, 1, 0, 1, 0]);
    expect((await clipScore(same, pictures, prompts, { scale: 100 })).value).toBe(100);
  });

  it('hands on the signal', async () => {
    const seen: unknown[] = [];
    const { signal } = new AbortController();
    const base = encoder([1, 0, 1, 0, 1, 0], [1, 0, 1, 0, 1, 0]);
    const watched: TextImageEncoder = {
      name: 'toy',
      encodeImages: (images, options) => {
        seen.push(options?.signal);
        return base.encodeImages(images);
      },
      encodeTexts: (texts, options) => {
        seen.push(options?.signal);
        return base.encodeTexts(texts);
      },
    };
    await clipScore(watched, pictures, prompts, { signal });
    expect(seen).toEqual([signal, signal]);
  });

  it('refuses what does not pair up', async () => {
    const good = encoder([1, 0, 1, 0, 1, 0], [1, 0, 1, 0, 1, 0]);
    await expect(clipScore(good, pictures, ['a'])).rejects.toMatchObject({ code: 'SHAPE_MISMATCH', field: 'prompts' });
    await expect(clipScore(good, float32([0, 1, 1, 1], []), [])).rejects.toMatchObject({ code: 'BAD_DATA' });
    const fewer = encoder([1, 0, 1, 0], [1, 0, 1, 0, 1, 0]);
    await expect(clipScore(fewer, pictures, prompts)).rejects.toMatchObject({ code: 'SHAPE_MISMATCH', plugin: 'toy' });
    const nothing = encoder([1, 0, 0, 0, 1, 0], [1, 0, 1, 0, 1, 0]);
    await expect(clipScore(nothing, pictures, prompts)).rejects.toMatchObject({
      code: 'BAD_DATA',
      message: 'toy gave no direction for pair 1.',
    });
  });
});
