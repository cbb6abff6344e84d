import { describe, expect, it } from 'vitest';
import { checkByteRange } from '../src/index.js';

describe('checkByteRange', () => {
  it('takes ranges up to the end, also empty ones', () => {
    expect(() => checkByteRange('x', 10, 0, 10)).not.toThrow();
    expect(() => checkByteRange('x', 10, 10, 0)).not.toThrow();
  });

  it.each([
    [0, 11],
    [10, 1],
    [-1, 2],
    [0, -1],
    [0.5, 1],
    [Number.NaN, 1],
    [2 ** 53, 1],
    [0, Number.POSITIVE_INFINITY],
  ])('refuses offset %d, length %d of 10 bytes', (offset, length) => {
    expect(() => checkByteRange('x', 10, offset, length)).toThrow(
      expect.objectContaining({ code: 'BAD_FILE', file: 'x', message: expect.stringContaining('10') }),
    );
  });
});
