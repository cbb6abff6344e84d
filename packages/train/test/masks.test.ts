import { maskFrom } from '@secateur/core';
import { fixedMask, nOfMMask, type Parameter, writeNOfM } from '@secateur/train';
import { describe, expect, it } from 'vitest';
import { maskedWeights } from '../src/masks/masked-weights.js';

const parameter = (name: string, shape: readonly number[], inputAxis = 1): Parameter => ({
  value: name,
  name,
  shape,
  inputAxis,
  outputAxis: 1 - inputAxis,
});

describe('writeNOfM', () => {
  const masked = (stride: number, values: readonly number[], n: number, m: number): number[] => {
    const mask = new Uint8Array(values.length);
    writeNOfM(stride, Float32Array.from(values), n, m, mask);
    return Array.from(mask);
  };
  it('keeps the largest of every run', () => {
    expect(masked(1, [1, -5, 3, 2, 0, 1, 2, 3], 2, 4)).toEqual([0, 1, 1, 0, 0, 0, 1, 1]);
  });
  it('keeps the first of equals', () => expect(masked(1, [1, 1, -1, 1], 2, 4)).toEqual([1, 1, 0, 0]));
  it('runs along the channels of a kernel, tap by tap', () => {
    // [1 out, 4 in, 2 taps]: taps are the fast axis
    expect(masked(2, [1, 8, 2, 7, 3, 6, 4, 5], 1, 2)).toEqual([0, 1, 1, 0, 0, 1, 1, 0]);
  });
});

describe('nOfMMask', () => {
  it('covers weights whose input channels the pattern divides, wherever they are stored', () => {
    const rule = nOfMMask({ pattern: '2:4', covers: (name) => !name.startsWith('out.') });
    expect(rule.covers(parameter('a.weight', [3, 8]))).toBe(true);
    expect(rule.covers(parameter('a.weight', [8, 3], 0))).toBe(true);
    expect(rule.covers(parameter('a.weight', [8, 3]))).toBe(false);
    expect(rule.covers(parameter('a.bias', [8], -1))).toBe(false);
    expect(rule.covers(parameter('out.weight', [3, 8]))).toBe(false);
  });
  it('refuses what is no pattern', () => {
    expect(() => nOfMMask({ pattern: 'elements' })).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
  });
});

describe('maskedWeights', () => {
  const weight = parameter('a.weight', [1, 4]);
  const start = () => new Map([['a.weight', Float32Array.of(1, -4, 3, 2)]]);

  it('computes with the masked weights and keeps the dense ones (STE)', () => {
    const values = start();
    const held = maskedWeights(nOfMMask({ pattern: '2:4', estimator: 'ste' }), [weight], values);
    expect(held.refresh(0)).toBe(0);
    expect(held.effective.get('a.weight')).toEqual(Float32Array.of(0, -4, 3, 0));
    expect(values).toEqual(start());
    const gradients = new Map([['a.weight', Float32Array.of(1, 1, 1, 1)]]);
    held.adjust(gradients);
    expect(gradients.get('a.weight')).toEqual(Float32Array.of(1, 1, 1, 1));
  });
  it('adds 2e-4 (1 - mask) w to the gradient (SR-STE)', () => {
    const values = start();
    const held = maskedWeights(nOfMMask({ pattern: '2:4' }), [weight], values);
    held.refresh(0);
    const gradients = new Map([['a.weight', Float32Array.of(5, 5, 5, 5)]]);
    held.adjust(gradients);
    const mask = [0, 1, 1, 0];
    const expected = Float32Array.from(values.get('a.weight')!, (w, i) => 5 + 2e-4 * (1 - mask[i]) * w);
    expect(gradients.get('a.weight')).toEqual(expected);
  });
  it('counts the share of bits that flip', () => {
    const values = start();
    const held = maskedWeights(nOfMMask({ pattern: '2:4' }), [weight], values);
    held.refresh(0);
    values.get('a.weight')![0] = 9;
    expect(held.refresh(1)).toBe(2 / 4);
    expect(held.refresh(2)).toBe(0);
  });
  it('exports at most N non-zeros a run', () => {
    const held = maskedWeights(nOfMMask({ pattern: '2:4' }), [weight], start());
    expect(held.applied(start(), 0).values.get('a.weight')).toEqual(Float32Array.of(0, -4, 3, 0));
  });
  it('keeps fixed masks: no gradient, no value', () => {
    const values = start();
    const rule = fixedMask(new Map([['a.weight', maskFrom([1, 4], (i) => i !== 1)]]));
    const held = maskedWeights(rule, [weight], values);
    held.refresh(0);
    expect(values.get('a.weight')).toEqual(Float32Array.of(1, 0, 3, 2));
    const gradients = new Map([['a.weight', Float32Array.of(1, 1, 1, 1)]]);
    held.adjust(gradients);
    expect(gradients.get('a.weight')).toEqual(Float32Array.of(1, 0, 1, 1));
    values.get('a.weight')![1] = 7;
    held.settle();
    expect(values.get('a.weight')![1]).toBe(0);
  });
  it('refuses masks of another model', () => {
    const rule = fixedMask(new Map([['a.weight', maskFrom([2, 4], () => true)]]));
    expect(() => maskedWeights(rule, [weight], start()).refresh(0)).toThrow(
      expect.objectContaining({ code: 'SHAPE_MISMATCH' }),
    );
  });
});
