import { float32, int64 } from '@secateur/graph';
import { sampleSet } from '@secateur/train';
import { describe, expect, it } from 'vitest';

describe('sampleSet', () => {
  const samples = float32([3, 2], [1, 2, 3, 4, 5, 6]);
  it('reads rows of everything, and shared inputs whole', async () => {
    const shared = { ids: int64([7]) };
    const set = sampleSet({ samples, conditions: { label: int64([10, 11, 12]) }, mask: samples, shared });
    const batch = await set.read([2, 0]);
    expect(batch.samples).toEqual(float32([2, 2], [5, 6, 1, 2]));
    expect(batch.conditions).toEqual({ ids: int64([7]), label: int64([12, 10]) });
    expect(batch.mask).toEqual(batch.samples);
  });
  it('describes what decides the numbers', async () => {
    const other = sampleSet({ samples: float32([3, 2], [1, 2, 3, 4, 5, 7]) });
    expect(await sampleSet({ samples }).describe()).not.toEqual(await other.describe());
  });
  it('names the sample that is not finite, and rows that are missing', () => {
    expect(() => sampleSet({ samples: float32([2, 1], [0, Number.NaN]) })).toThrow('Sample 1 holds NaN.');
    expect(() => sampleSet({ samples, conditions: { label: int64([1]) } })).toThrow(
      expect.objectContaining({ code: 'SHAPE_MISMATCH', field: 'label' }),
    );
    expect(() => sampleSet({ samples: float32([0, 2], []) })).toThrow(expect.objectContaining({ code: 'BAD_DATA' }));
  });
});
