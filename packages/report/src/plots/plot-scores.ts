import * as Plot from '@observablehq/plot';
import type { Html } from '../html/html.js';
import type { ScoreHistogram } from '../score-histogram.js';
import { drawPlot } from './draw.js';
import { skyline } from './skyline.js';

/** A small histogram of one group: removed units at the bottom, kept ones on top, a line at the highest removed score. */
export function plotScores(label: string, histogram: ScoreHistogram): Html {
  const { edges, kept, removed, highestRemoved } = histogram;
  const all = kept.map((count, bin) => count + removed[bin]!);
  const first = edges[0]!;
  const last = edges[edges.length - 1]!;
  const cut = highestRemoved === undefined ? [] : [Math.min(highestRemoved, last)];
  return drawPlot(label, {
    width: 240,
    height: 64,
    margin: 1,
    marginBottom: 2,
    x: { domain: [first, last], axis: null },
    y: { axis: null, domain: [0, Math.max(1, ...all)] },
    marks: [
      skyline(edges, all, 'var(--kept)'),
      skyline(edges, removed, 'var(--gone)'),
      Plot.ruleY([0], { stroke: 'var(--line)' }),
      Plot.ruleX(cut, { stroke: 'currentColor', strokeDasharray: '3,2' }),
    ],
  });
}
