import { describe, expect, it } from 'vitest';
import { expectClose, maxUlp, relativeError } from '../src/index.js';

describe('relativeError', () => {
  it('is the largest difference over the largest expected magnitude', () => {
    expect(relativeError([1, 2, 3], [1, 2, 4])).toBe(0.25);
    expect(relativeError([0, -8.5], [0.5, -8])).toBe(0.0625);
  });

  it('takes the floor when all that is expected is smaller', () => {
    expect(relativeError([0.25], [0], 0.5)).toBe(0.5);
    expect(relativeError([0.25], [2], 0.5)).toBe(0.875);
    expect(relativeError([1], [0])).toBe(Number.POSITIVE_INFINITY);
    expect(relativeError([0, 0], [0, -0])).toBe(0);
  });

  it('reads int64 and refuses NaN, strange infinities and other lengths', () => {
    expect(relativeError(BigInt64Array.of(3n), BigInt64Array.of(4n))).toBe(0.25);
    expect(relativeError([Number.NaN], [1])).toBe(Number.POSITIVE_INFINITY);
    expect(relativeError([Number.NaN], [Number.NaN])).toBe(Number.POSITIVE_INFINITY);
    expect(relativeError([1, Number.NEGATIVE_INFINITY], [1, Number.NEGATIVE_INFINITY])).toBe(0);
    expect(relativeError([1, 5], [1, Number.POSITIVE_INFINITY])).toBe(Number.POSITIVE_INFINITY);
    expect(() => relativeError([1], [1, 2])).toThrow(RangeError);
  });
});

describe('maxUlp', () => {
  it('counts float32 steps, across zero too', () => {
    expect(maxUlp([1 + 2 ** -23], [1])).toBe(1);
    expect(maxUlp([1 - 2 ** -24], [1])).toBe(1);
    expect(maxUlp([0], [-0])).toBe(0);
    expect(maxUlp([2 ** -149], [-(2 ** -149)])).toBe(2);
    expect(maxUlp([1, 2], [1, 2 + 3 * 2 ** -22])).toBe(3);
    expect(maxUlp([Number.NaN], [Number.NaN])).toBe(0);
    expect(maxUlp([Number.NaN], [1])).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('expectClose', () => {
  it('passes at the tolerance and fails above it, naming the worst element', () => {
    expectClose([1, 4.5], [1, 4], 0.125);
    expect(() => expectClose([1, 4.6], [1, 4], 0.125, 'out')).toThrow(
      'out: relative error 1.50e-1 is above 0.125; worst at index 1 of 2: 4.6 where 4 is expected.',
    );
    expect(() => expectClose([1, Number.NaN, 9], [1, 2, 3], 1, 'out')).toThrow('worst at index 1 of 3: NaN');
    expect(() => expectClose([1], [1, 2], 1, 'out')).toThrow('out: 1 values where 2 are expected.');
  });
});
