import { ema } from '@secateur/train';
import { describe, expect, it } from 'vitest';

describe('ema', () => {
  const weights = new Map([['w', Float32Array.of(1)]]);
  const zero = () => new Map([['w', Float32Array.of(0)]]);

  it('keeps its share of the old average', () => {
    const average = zero();
    ema({ decay: 0.75, warmup: false }).update(average, weights, 1);
    expect(average.get('w')).toEqual(Float32Array.of(0.25));
  });
  it('forgets the first weights fast while it warms up', () => {
    const average = zero();
    // (1 + 1) / (10 + 1) of the old one stays
    ema({ decay: 0.999 }).update(average, weights, 1);
    expect(average.get('w')![0]).toBeCloseTo(9 / 11, 6);
  });
  it('is the weights themselves before it begins', () => {
    const average = zero();
    ema({ decay: 0.999, after: 3 }).update(average, weights, 3);
    expect(average.get('w')).toEqual(Float32Array.of(1));
  });
  it('starts as a copy', () => {
    const average = ema().init(weights);
    expect(average).toEqual(weights);
    expect(average.get('w')).not.toBe(weights.get('w'));
  });
  it('refuses a decay of 1', () => {
    expect(() => ema({ decay: 1 })).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
  });
});
