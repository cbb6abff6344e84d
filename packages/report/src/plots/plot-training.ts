import * as Plot from '@observablehq/plot';
import type { Html } from '../html/html.js';
import { drawResponsive } from './draw.js';
import { thinOut } from './thin-out.js';

/** Losses of a training by step, and their running mean. */
export function plotTraining(losses: readonly number[], scale: 'log' | 'linear'): Html {
  const points = losses
    .map((loss, step) => ({ step: step + 1, loss }))
    .filter(({ loss }) => scale === 'linear' || loss > 0);
  const smooth = runningMean(losses).map((loss, step) => ({ step: step + 1, loss }));
  const label = `Loss over ${losses.length} steps, ${scale} scale.`;
  return drawResponsive(label, (width) => ({
    height: width > 600 ? 300 : 240,
    marginLeft: 56,
    marginTop: 26,
    marginBottom: 40,
    marginRight: 16,
    x: { label: 'step', ticks: width > 600 ? 10 : 4, domain: [1, Math.max(2, losses.length)] },
    y: {
      label: 'loss',
      type: scale,
      grid: true,
      ticks: 5,
      tickFormat: (value: number) => String(Number(value.toPrecision(2))),
    },
    marks: [
      Plot.line(thinOut(points), { x: 'step', y: 'loss', stroke: 'var(--quiet)', strokeWidth: 1, strokeOpacity: 0.5 }),
      Plot.line(thinOut(smooth), { x: 'step', y: 'loss', stroke: 'var(--kept)', strokeWidth: 2 }),
    ],
  }));
}

/** Mean of the last twentieth of all steps, at least of one: single steps see other timesteps and jump about. */
export function runningMean(values: readonly number[]): number[] {
  const window = Math.max(1, Math.floor(values.length / 20));
  const means: number[] = [];
  let sum = 0;
  for (const [i, value] of values.entries()) {
    sum += value;
    if (i >= window) sum -= values[i - window] ?? 0;
    means.push(sum / Math.min(i + 1, window));
  }
  return means;
}
