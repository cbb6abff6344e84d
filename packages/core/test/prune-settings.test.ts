import { describe, expect, it } from 'vitest';
import { nOfM, structured } from '../src/index.js';
import { settingsOf } from '../src/prune-settings.js';
import { byPosition } from './support/criteria.js';

const method = structured({ criterion: byPosition });

describe('settingsOf', () => {
  it('fills in defaults', () => {
    expect(settingsOf({ method, ratio: 0.3 })).toMatchObject({
      budget: { kind: 'ratio', ratio: 0.3 },
      roundTo: 1,
      maxRatio: 1,
      ignore: [],
      ratios: {},
    });
  });
  it('takes the ratio of an N:M pattern from the pattern', () => {
    expect(settingsOf({ method, space: nOfM(1, 4) }).budget).toEqual({ kind: 'ratio', ratio: 0.75 });
  });
  it.each([
    ['ratio', {}],
    ['ratio', { ratio: 0.3, budget: { kind: 'macs', remaining: 0.5 } as const }],
    ['ratio', { ratio: 1 }],
    ['roundTo', { ratio: 0.3, roundTo: 0 }],
    ['roundTo', { ratio: 0.3, roundTo: 2.5 }],
    ['maxRatio', { ratio: 0.3, maxRatio: 0 }],
    ['maxRatio', { ratio: 0.3, maxRatio: 1.1 }],
  ])('refuses a bad %s: %j', (field, options) => {
    expect(() => settingsOf({ method, ...options })).toThrowError(
      expect.objectContaining({ code: 'BAD_OPTION', field }),
    );
  });
});
