import { describe, expect, it } from 'vitest';
import { addGradients, clipToNorm, globalNorm } from '../src/gradient-norm.js';

const gradients = () =>
  new Map([
    ['a', Float32Array.of(3, 0)],
    ['b', Float32Array.of(4)],
  ]);

describe('globalNorm and clipToNorm', () => {
  it('are over all tensors together', () => {
    expect(globalNorm(gradients())).toBe(5);
    const clipped = gradients();
    clipToNorm(clipped, 5, 1);
    expect(clipped.get('a')![0]).toBeCloseTo(0.6, 6);
    expect(clipped.get('b')![0]).toBeCloseTo(0.8, 6);
  });
  it('leave smaller gradients alone', () => {
    const same = gradients();
    clipToNorm(same, 5, 5.1);
    clipToNorm(same, 5, Number.POSITIVE_INFINITY);
    expect(same).toEqual(gradients());
  });
});

describe('addGradients', () => {
  it('adds in place', () => {
    const total = gradients();
    addGradients(total, gradients());
    expect(total.get('a')).toEqual(Float32Array.of(6, 0));
  });
});
