import * as Plot from '@observablehq/plot';
import { type Html, visible } from '../html/html.js';
import { drawResponsive } from './draw.js';
import { thinOut } from './thin-out.js';

/** How far an output is from the reference at one timestep. */
export interface TimestepError {
  readonly timestep: number;
  /** >= 0 */
  readonly error: number;
}

export interface DifferenceLine {
  readonly name: string;
  readonly points: readonly TimestepError[];
}

/** Colours of lines, in order; with more lines than colours they repeat, and the names at the lines tell them apart. */
const colors = ['var(--kept)', 'var(--mark)', 'var(--third)', 'var(--fourth)'];

/** Error over the timesteps, one line a model. */
export function plotDifferences(lines: readonly DifferenceLine[], yLabel: string): Html {
  const sorted = lines.map(({ name, points }, i) => ({
    name: visible(name),
    color: colors[i % colors.length],
    points: [...points].sort((a, b) => a.timestep - b.timestep),
  }));
  const end = Math.max(1, ...sorted.flatMap(({ points }) => points.map(({ timestep }) => timestep)));
  const label = `${yLabel} over timesteps 0 to ${end}.`;
  return drawResponsive(label, (width) => ({
    height: width > 600 ? 260 : 220,
    marginLeft: 52,
    marginTop: 26,
    marginBottom: 40,
    marginRight: 16,
    x: { label: 'timestep t', ticks: width > 600 ? 10 : 4, domain: [0, end] },
    y: { label: visible(yLabel), grid: true, ticks: 5, zero: true },
    marks: [
      Plot.ruleY([0], { stroke: 'var(--line)' }),
      ...sorted.flatMap(({ points, color }) => [
        Plot.line(thinOut(points), { x: 'timestep', y: 'error', stroke: color, strokeWidth: 2 }),
        ...(points.length <= 120
          ? [
              Plot.dot(points, {
                x: 'timestep',
                y: 'error',
                r: 2.5,
                fill: color,
                title: ({ timestep, error }: TimestepError) => `t = ${timestep}: ${Number(error.toPrecision(4))}`,
              }),
            ]
          : []),
      ]),
      ...(sorted.length < 2
        ? []
        : [
            Plot.text(
              sorted.flatMap(({ name, points }) => (points[0] ? [{ ...points[0], name }] : [])),
              { x: 'timestep', y: 'error', text: 'name', textAnchor: 'start', dx: 6, dy: -8 },
            ),
          ]),
    ],
  }));
}
