import * as Plot from '@observablehq/plot';
import type { Additivity } from '@secateur/core';
import type { Html } from '../html/html.js';
import { drawResponsive } from './draw.js';

/** Sets of layers as dots: the sum of their scores to the right, what was measured upwards; both scales alike. */
export function plotAdditivity({ subsets, criterion }: Pick<Additivity, 'subsets' | 'criterion'>): Html {
  const values = subsets.flatMap(({ predicted, measured }) => [predicted, measured]);
  const isLog = values.every((value) => value > 0);
  const [least, most] = [Math.min(...values, isLog ? Number.POSITIVE_INFINITY : 0), Math.max(...values)];
  const domain = [least, most];
  const label = `Sum of ${criterion} against what was measured, for ${subsets.length} sets of layers.`;
  return drawResponsive(label, (width) => ({
    height: width > 600 ? 420 : 320,
    marginLeft: 60,
    marginBottom: 40,
    marginTop: 26,
    x: {
      label: 'sum of single scores',
      type: isLog ? 'log' : 'linear',
      domain,
      ticks: width > 600 ? 6 : 3,
      tickFormat: '~g',
    },
    y: { label: 'measured together', type: isLog ? 'log' : 'linear', domain, grid: true, ticks: 5, tickFormat: '~g' },
    marks: [
      Plot.line(
        domain.map((value) => ({ value })),
        { x: 'value', y: 'value', stroke: 'var(--mark)', strokeDasharray: '5,4' },
      ),
      Plot.dot(subsets, { x: 'predicted', y: 'measured', r: 3.5, fill: 'var(--kept)', fillOpacity: 0.75 }),
    ],
  }));
}
