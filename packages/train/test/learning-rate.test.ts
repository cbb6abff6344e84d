import { learningRateAt } from '@secateur/train';
import { describe, expect, it } from 'vitest';
import { checkLearningRate } from '../src/learning-rate.js';

describe('learningRateAt', () => {
  const of = (options: Parameters<typeof learningRateAt>[0], steps: number) =>
    Array.from({ length: steps }, (_, step) => learningRateAt(options, step, steps));

  it('is constant', () => expect(of({ peak: 2 }, 3)).toEqual([2, 2, 2]));
  it('warms up from 0', () => expect(of({ peak: 2, warmup: 2 }, 4)).toEqual([0, 1, 2, 2]));
  it('falls along a line', () => expect(of({ peak: 4, schedule: 'linear' }, 4)).toEqual([4, 3, 2, 1]));
  it('falls along half a cosine to its final value', () => {
    const [first, , middle] = of({ peak: 3, schedule: 'cosine', final: 1 }, 4);
    expect(first).toBe(3);
    expect(middle).toBeCloseTo(2, 12);
  });
  it('falls after the warm-up', () => {
    expect(of({ peak: 4, schedule: 'linear', warmup: 1 }, 5)).toEqual([0, 4, 3, 2, 1]);
  });
});

describe('checkLearningRate', () => {
  it('refuses rates and schedules that make no sense', () => {
    expect(() => checkLearningRate({ peak: 0 })).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
    expect(() => checkLearningRate({ peak: 1, final: 2 })).toThrow(/learningRate.final is 2/);
    expect(() => checkLearningRate({ peak: 1, schedule: 'step' as never })).toThrow(/no learning-rate schedule/);
  });
});
