import { castTensor, multiplyDims, symbol, type Tensor, zeros } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { checkFeeds, sizeWhenKnown } from '../src/check-feeds.js';

const batch = symbol('batch');
const height = symbol('height');
const inputs = [
  { name: 'sample', dtype: 'float32', shape: [batch, 3, multiplyDims(height, 2)] },
  { name: 'latent', dtype: 'float32', shape: [batch, 4, height] },
] as const;

describe('checkFeeds', () => {
  it('returns the sizes of the symbols', () => {
    const feeds = { sample: zeros('float32', [2, 3, 16]), latent: zeros('float32', [2, 4, 8]) };
    expect(checkFeeds(inputs, feeds)).toEqual({ batch: 2, height: 8 });
  });

  it('compares compound dimensions once their symbols are known', () => {
    const feeds = { sample: zeros('float32', [2, 3, 15]), latent: zeros('float32', [2, 4, 8]) };
    expect(() => checkFeeds(inputs, feeds)).toThrow(/axis 2 is 15, 2\*height is 16/);
  });

  it.each([
    ['another batch', { latent: zeros('float32', [3, 4, 8]) }, 'SHAPE_MISMATCH'],
    ['another width', { latent: zeros('float32', [2, 5, 8]) }, 'SHAPE_MISMATCH'],
    ['another rank', { latent: zeros('float32', [2, 4]) }, 'SHAPE_MISMATCH'],
    ['another dtype', { latent: castTensor(zeros('float32', [2, 4, 8]), 'float16') }, 'BAD_DATA'],
    ['no latent', { latent: undefined }, 'BAD_OPTION'],
    ['one too many', { timestep: zeros('int64', [1]) }, 'BAD_OPTION'],
  ])('refuses %s', (_, wrong, code) => {
    const feeds = { sample: zeros('float32', [2, 3, 16]), latent: zeros('float32', [2, 4, 8]), ...wrong };
    expect(() => checkFeeds(inputs, feeds as unknown as Record<string, Tensor>)).toThrow(
      expect.objectContaining({ code }),
    );
  });
});

it('sizeWhenKnown leaves open what no feed has fixed', () => {
  expect(sizeWhenKnown(7, {})).toBe(7);
  expect(sizeWhenKnown(multiplyDims(batch, height), { batch: 2, height: 5 })).toBe(10);
  expect(sizeWhenKnown(multiplyDims(batch, height), { batch: 2 })).toBeUndefined();
  expect(sizeWhenKnown(height, { batch: 2 })).toBeUndefined();
});
