import type { Executable } from '@secateur/core';
import { describe, expect, it } from 'vitest';
import { benchExecutables } from '../src/index.js';

function fakes(names: readonly string[], log: string[]): Record<string, Executable> {
  const fake = (name: string): Executable => ({
    inputs: [],
    outputs: [],
    run: async () => {
      log.push(name);
      return {};
    },
    dispose: async () => {},
  });
  return Object.fromEntries(names.map((name) => [name, fake(name)]));
}

describe('benchExecutables', () => {
  it('interleaves, beginning with another each round, and times only the rounds after the warm-up', async () => {
    const log: string[] = [];
    const progress: number[] = [];
    const results = await benchExecutables(
      fakes(['a', 'b'], log),
      {},
      {
        rounds: 3,
        warmup: 1,
        onProgress: (done, total) => progress.push(done / total),
      },
    );
    expect(log.join('')).toBe('abbaabba');
    expect(progress).toEqual([1 / 3, 2 / 3, 1]);
    for (const { rounds, minMs, medianMs, maxMs, peakBytes } of Object.values(results)) {
      expect(rounds).toBe(3);
      expect(minMs).toBeGreaterThanOrEqual(0);
      expect(medianMs).toBeGreaterThanOrEqual(minMs);
      expect(maxMs).toBeGreaterThanOrEqual(medianMs);
      expect(peakBytes).toBeGreaterThan(0);
    }
  });

  it('keeps the largest memory seen, or leaves it out', async () => {
    const seen = [5, 9, 7];
    const executables = fakes(['a'], []);
    const peak = { rounds: 2, warmup: 1, residentBytes: () => seen.shift() };
    expect((await benchExecutables(executables, {}, peak)).a).toMatchObject({ peakBytes: 9 });
    const silent = { rounds: 1, residentBytes: () => undefined };
    expect((await benchExecutables(executables, {}, silent)).a).not.toHaveProperty('peakBytes');
  });

  it('stops when cancelled', async () => {
    const log: string[] = [];
    const control = new AbortController();
    const running = benchExecutables(
      fakes(['a'], log),
      {},
      { signal: control.signal, rounds: 100, onProgress: () => control.abort() },
    );
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
    expect(log.length).toBe(4);
  });

  it('refuses counts out of range', async () => {
    await expect(benchExecutables({}, {}, { rounds: 0 })).rejects.toMatchObject({
      code: 'BAD_OPTION',
      field: 'rounds',
    });
    await expect(benchExecutables({}, {}, { warmup: -1 })).rejects.toMatchObject({
      code: 'BAD_OPTION',
      field: 'warmup',
    });
  });
});
