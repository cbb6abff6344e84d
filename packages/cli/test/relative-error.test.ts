import { float32 } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { inCheckpointLayout } from '../src/check/check-model.js';
import { relativeError } from '../src/check/relative-error.js';

const vector = (...values: number[]) => float32([values.length], values);

describe('relativeError', () => {
  it('is the largest distance over the largest magnitude', () => {
    expect(relativeError('x', vector(1, 2, -3.5), vector(1, 2, -4))).toBe(0.125);
  });

  it('does not divide by less than the floor', () => {
    expect(relativeError('x', vector(0.25), vector(0), 0.5)).toBe(0.5);
    expect(relativeError('x', vector(0), vector(0))).toBe(0);
  });

  it('takes NaN for infinitely far', () => {
    expect(relativeError('x', vector(1, Number.NaN), vector(1, 2))).toBe(Number.POSITIVE_INFINITY);
  });

  it('refuses other shapes', () => {
    expect(() => relativeError('x', vector(1), vector(1, 2))).toThrow(
      expect.objectContaining({ code: 'SHAPE_MISMATCH' }),
    );
  });
});

describe('inCheckpointLayout', () => {
  it('transposes back what ONNX transposed', () => {
    const parameter = { name: 'w', shape: [2, 3], axes: [1, 0] };
    const moved = inCheckpointLayout(float32([3, 2], [1, 4, 2, 5, 3, 6]), { parameter });
    expect(moved.shape).toEqual([2, 3]);
    expect([...moved.data]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('drops axes that ONNX inserted', () => {
    const parameter = { name: 'b', shape: [3], axes: [null, 0, null] };
    expect(inCheckpointLayout(float32([1, 3, 1], [1, 2, 3]), { parameter }).shape).toEqual([3]);
  });
});
