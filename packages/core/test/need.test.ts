import { describe, expect, it } from 'vitest';
import { activations, gradients, outputsWithout, weights } from '../src/index.js';

describe('needs', () => {
  it('are plain values with their defaults', () => {
    expect(weights()).toEqual({ kind: 'weights' });
    expect(activations()).toEqual({ kind: 'activations', norm: 'l2' });
    expect(gradients()).toEqual({ kind: 'gradients', accumulate: 'sum' });
  });
  it('measure without layers, and some sets of them', () => {
    expect(outputsWithout()).toEqual({ kind: 'outputs-without', subsets: 0, rowsPerRun: 0 });
    expect(outputsWithout({ subsets: 3, rowsPerRun: 2 })).toMatchObject({ subsets: 3, rowsPerRun: 2 });
  });
  it('carry a stop rule', () => {
    const stop = { threshold: 0.05, order: 'test-first' } as const;
    expect(gradients({ accumulate: 'sum-squares', stop })).toEqual({
      kind: 'gradients',
      accumulate: 'sum-squares',
      stop,
    });
  });
  it.each([-0.1, 1.1, Number.NaN])('refuse a threshold of %s', (threshold) => {
    expect(() => gradients({ stop: { threshold, order: 'test-first' } })).toThrowError(
      expect.objectContaining({ code: 'BAD_OPTION', field: 'threshold' }),
    );
  });
});
