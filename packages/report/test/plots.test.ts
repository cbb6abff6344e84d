import { describe, expect, it } from 'vitest';
import { drawPlot } from '../src/plots/draw.js';
import { placeLabels } from '../src/plots/place-labels.js';
import { outline } from '../src/plots/skyline.js';
import { thinOut } from '../src/plots/thin-out.js';

describe('outline', () => {
  it('has one corner for each change of height', () => {
    expect(outline([0, 1, 2, 3, 4], [0, 5, 5, 2])).toEqual([
      { x: 0, y: 0 },
      { x: 1, y: 5 },
      { x: 3, y: 2 },
      { x: 4, y: 0 },
    ]);
  });
});

describe('thinOut', () => {
  it('keeps short lines and the ends of long ones', () => {
    expect(thinOut([1, 2, 3])).toEqual([1, 2, 3]);
    const long = thinOut(Array.from({ length: 1201 }, (_, i) => i));
    expect(long.length).toBeLessThanOrEqual(501);
    expect([long[0], long[long.length - 1]]).toEqual([0, 1200]);
  });
});

describe('placeLabels', () => {
  it('stacks neighbours and leaves out what has no room', () => {
    const bands = [0, 1, 2, 3].map((left) => ({ left, right: left + 1, name: `band ${left}` }));
    // Labels are 39.6 pixels wide, bands 20: each row has room for every third.
    expect(placeLabels(bands, 20, 4, 2).map(({ name, row }) => [name, row])).toEqual([
      ['band 0', 0],
      ['band 1', 1],
      ['band 3', 0],
    ]);
  });
});

describe('drawPlot', () => {
  it('escapes the label and brings no style of its own', () => {
    const { markup } = drawPlot('<b>"x"</b>', { marks: [] });
    expect(markup).toContain('<title>&lt;b&gt;"x"&lt;/b&gt;</title>');
    expect(markup).not.toContain('<style');
  });
});
