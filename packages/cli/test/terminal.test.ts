import { Writable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { bytes, change, count, macs, milliseconds, percent } from '../src/terminal/numbers.js';
import { progressDisplay } from '../src/terminal/progress-display.js';
import { left, right, table } from '../src/terminal/table.js';

describe('numbers', () => {
  it('are written as people read them', () => {
    expect(count(35746307)).toBe('35,746,307');
    expect([bytes(0), bytes(999), bytes(15_757_572), bytes(999_600)]).toEqual(['0 B', '999 B', '15.8 MB', '1.00 MB']);
    expect(macs(6_053_953_536)).toBe('6.05 G');
    expect(milliseconds(12.345)).toBe('12.3 ms');
    expect([change(100, 56), change(100, 110), change(100, 100), change(0, 5)]).toEqual([
      '-44.0 %',
      '+10.0 %',
      '0.0 %',
      '',
    ]);
    expect([percent(0.5), percent(0.0001)]).toEqual(['50.0 %', '0.010 %']);
  });
});

describe('table', () => {
  it('aligns columns and leaves no trailing spaces', () => {
    expect(
      table(
        [left('a'), right('number')],
        [
          ['long name', '1'],
          ['b', '1,000'],
        ],
      ),
    ).toBe(['a          number', '─────────  ──────', 'long name       1', 'b           1,000'].join('\n'));
    expect(table([left(''), left('')], [['a', 'b']])).toBe('a  b');
  });
});

function stream(isTTY: boolean): { written: () => string; stream: Writable & { isTTY: boolean; columns: number } } {
  let text = '';
  const writable = new Writable({
    write(chunk, _, done) {
      text += String(chunk);
      done();
    },
  });
  return {
    written: () => text,
    stream: Object.assign(writable, { isTTY, columns: 100, cursorTo: () => {}, clearLine: () => {} }),
  };
}

describe('progressDisplay', () => {
  const events = Array.from({ length: 101 }, (_, done) => ({
    phase: 'gradients',
    done,
    total: 100,
    unit: 'timesteps',
  }));

  it('writes the first and the last of a phase in plain lines, and few between', () => {
    const { stream: plain, written } = stream(false);
    const display = progressDisplay(plain, false);
    for (const event of events) display.listener(event);
    expect(written()).toBe('gradients: 0 of 100 timesteps (0 %)\ngradients: 100 of 100 timesteps (100 %)\n');
  });

  it('says how long it will take at the pace so far', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const { stream: plain, written } = stream(false);
      const display = progressDisplay(plain, false);
      for (const [index, total] of [100, 10_000].entries()) {
        const event = { phase: `phase ${index}`, total, unit: 'steps' };
        display.listener({ ...event, done: 10 });
        vi.advanceTimersByTime(4_000);
        display.listener({ ...event, done: 20 });
      }
      // Ten in four seconds: 80 more take 32 s, 9,980 more 3,992 s.
      expect(written().split('\n').slice(0, -1)).toEqual([
        'phase 0: 10 of 100 steps (10 %)',
        'phase 0: 20 of 100 steps (20 %), about 32 s left',
        'phase 1: 10 of 10,000 steps (0 %)',
        'phase 1: 20 of 10,000 steps (0 %), about 67 min left',
      ]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is silent when quiet, save for messages', () => {
    const { stream: plain, written } = stream(false);
    const display = progressDisplay(plain, true);
    for (const event of events) display.listener(event);
    display.message('warning: look');
    expect(written()).toBe('warning: look\n');
  });

  it('draws a bar with the time left on a terminal', () => {
    const { stream: tty, written } = stream(true);
    const display = progressDisplay(tty, false);
    display.listener(events[0]!);
    display.listener(events[50]!);
    display.stop();
    expect(written()).toMatch(/gradients .*left/);
  });
});
