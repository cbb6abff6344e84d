import { describe, expect, it } from 'vitest';
import { type Progress, silentLogger } from '../src/index.js';
import { collecting, throttled } from '../src/progress.js';

describe('throttled', () => {
  it('hears the first and last of every phase and at most twenty a second between', () => {
    const heard: Progress[] = [];
    let now = 0;
    const listener = throttled(
      (progress) => heard.push(progress),
      'mine',
      () => now,
    );
    for (const phase of ['one', 'two']) {
      for (let done = 0; done <= 100; done++, now += 10) listener({ phase, done, total: 100, unit: 'steps' });
    }
    // 101 reports at 10 ms: every fifth.
    expect(heard.filter(({ phase }) => phase === 'one').map(({ done }) => done)).toEqual(
      Array.from({ length: 21 }, (_, i) => 5 * i),
    );
    expect(heard.find(({ phase }) => phase === 'two')).toEqual({
      plugin: 'mine',
      phase: 'two',
      done: 0,
      total: 100,
      unit: 'steps',
    });
    expect(heard.at(-1)).toMatchObject({ phase: 'two', done: 100 });
  });
  it('does nothing without a listener', () => {
    expect(throttled(undefined, 'mine')({ phase: 'a', done: 0, total: 1, unit: 'x' })).toBeUndefined();
  });
});

it('collecting keeps warnings and passes everything on', () => {
  const passed: string[] = [];
  const warnings: string[] = [];
  const note = (message: string) => void passed.push(message);
  const logger = collecting({ debug: note, info: note, warn: note }, warnings);
  logger.debug('a');
  logger.info('b');
  logger.warn('c');
  silentLogger.warn('d');
  expect([passed, warnings]).toEqual([['a', 'b', 'c'], ['c']]);
});
