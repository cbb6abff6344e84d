import { prune, structured } from '@secateur/core';
import { tinyModel } from '@secateur/core/conformance';
import { describe, expect, it } from 'vitest';
import { random } from '../src/index.js';
import { scoreOf, twoChannels } from './tiny-group.js';

describe('random', () => {
  it('is the host’s draw for every unit and element', () => {
    expect(scoreOf(random(), 2, twoChannels)).toEqual([0, Math.fround(0.1)]);
    const view = { tensor: 'w', shape: [2], weights: new Float32Array(2) };
    expect([...random().scoreTensor!(view, { random: (element: number) => element / 4 } as never)]).toEqual([0, 0.25]);
  });

  it('depends on the seed, and on nothing else', async () => {
    const scores = async (seed: number, weights: number) =>
      (await prune(tinyModel(weights), { method: structured({ criterion: random() }), ratio: 0.3, seed })).outcome
        .scores;
    const first = await scores(1, 1);
    expect(await scores(1, 2)).toEqual(first);
    expect(await scores(2, 1)).not.toEqual(first);
  });

  it('is uniform over [0, 1)', async () => {
    const all: number[] = [];
    for (let seed = 0; seed < 40; seed++) {
      const { outcome } = await prune(tinyModel(), {
        method: structured({ criterion: random() }),
        ratio: 0.3,
        seed,
        dryRun: true,
      });
      for (const scores of outcome.scores!.values()) all.push(...scores);
    }
    expect(Math.min(...all)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...all)).toBeLessThan(1);
    // Mean of n uniforms: deviation 1/sqrt(12 n); four deviations.
    expect(Math.abs(all.reduce((a, b) => a + b, 0) / all.length - 0.5)).toBeLessThan(4 / Math.sqrt(12 * all.length));
  });
});
