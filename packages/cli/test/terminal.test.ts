import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
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
