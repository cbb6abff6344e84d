import { describe, expect, it } from 'vitest';
import { tinyModel } from '../src/conformance.js';
import { type Engine, measureLatency, sampleFeeds } from '../src/index.js';

/** An engine that keeps a log instead of working. */
function fakeEngine(log: string[]): Engine {
  return {
    name: 'fake',
    apiVersion: 1,
    describe: async () => 'fake',
    compile: async (graph, { threads } = {}) => {
      log.push(`compile ${graph.name} ${threads}`);
      return {
        inputs: [],
        outputs: [],
        run: async () => {
          log.push(`run ${graph.name}`);
          return {};
        },
        dispose: async () => void log.push(`dispose ${graph.name}`),
      };
    },
  };
}
const named = (name: string) => ({ ...tinyModel(), graph: { ...tinyModel().graph, name } });

it('sampleFeeds are zeros of the model’s usual size', () => {
  const feeds = sampleFeeds(tinyModel(), 3);
  expect(feeds.sample).toMatchObject({ dtype: 'float32', shape: [3, 2, 4, 4] });
  expect(feeds.timestep).toMatchObject({ dtype: 'int64', shape: [3] });
  expect(feeds.sample.data.every((value) => value === 0)).toBe(true);
});

describe('measureLatency', () => {
  it('runs models in turn, warms each up once, and frees them', async () => {
    const log: string[] = [];
    const latencies = await measureLatency([named('a'), named('b')], {
      engine: fakeEngine(log),
      threads: 2,
      rounds: 2,
    });
    const turns = Array.from({ length: 3 }, () => ['run a', 'run b']).flat();
    expect(log).toEqual(['compile a 2', 'compile b 2', ...turns, 'dispose a', 'dispose b']);
    for (const { minMs, medianMs, maxMs, runs } of latencies) {
      expect(runs).toBe(2);
      expect(minMs <= medianMs && medianMs <= maxMs && minMs >= 0).toBe(true);
    }
  });
  it('frees what it compiled when it is cancelled', async () => {
    const log: string[] = [];
    const cancelled = measureLatency([named('a')], { engine: fakeEngine(log), signal: AbortSignal.abort() });
    await expect(cancelled).rejects.toMatchObject({ code: 'ABORTED' });
    expect(log).toEqual(['compile a undefined', 'dispose a']);
  });
  it.each([0, 1.5])('refuses %s rounds', async (rounds) => {
    await expect(measureLatency([], { engine: fakeEngine([]), rounds })).rejects.toMatchObject({ code: 'BAD_OPTION' });
  });
});

describe('rounds of short runs', () => {
  it('go on past nine, up to 99, unless their number is given', async () => {
    const runs = async (options: { rounds?: number }) =>
      (await measureLatency([tinyModel()], { engine: fakeEngine([]), ...options }))[0].runs;
    expect(await runs({})).toBe(99);
    expect(await runs({ rounds: 3 })).toBe(3);
  });
});
