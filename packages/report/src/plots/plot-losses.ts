import * as Plot from '@observablehq/plot';
import type { TimestepLoss } from '@secateur/core';
import type { Html } from '../html/html.js';
import { drawResponsive } from './draw.js';
import { thinOut } from './thin-out.js';

export interface LossCurve {
  /** Ascending in timestep. */
  readonly losses: readonly TimestepLoss[];
  readonly threshold?: number;
  readonly stoppedAt?: number;
}

/** L_t / L_max over the timesteps: those whose gradients count, those after the stop, the threshold. */
export function plotLosses(curve: LossCurve, scale: 'log' | 'linear'): Html {
  const { threshold, stoppedAt = Number.POSITIVE_INFINITY } = curve;
  const largest = Math.max(...curve.losses.map(({ loss }) => loss));
  const points = curve.losses
    .map(({ timestep, loss }) => ({ timestep, share: loss / largest }))
    .filter(({ share }) => scale === 'linear' || share > 0);
  const counted = points.filter(({ timestep }) => timestep <= stoppedAt);
  // From the last counted point on, so that the line does not break.
  const after = points.slice(Math.max(0, counted.length - 1));
  const end = points[points.length - 1]?.timestep ?? 1;
  const stop = Number.isFinite(stoppedAt) ? [stoppedAt] : [];
  const limit = threshold !== undefined && (scale === 'linear' || threshold > 0) ? [threshold] : [];
  const smallest = Math.min(...points.map(({ share }) => share), ...limit);
  const label = `L_t / L_max over timesteps 0 to ${end}, ${scale} scale.`;
  return drawResponsive(label, (width) => ({
    height: width > 600 ? 300 : 240,
    marginLeft: 48,
    marginTop: 26,
    marginBottom: 40,
    marginRight: 16,
    x: { label: 'timestep t', ticks: width > 600 ? 10 : 4, domain: [0, Math.max(1, end)] },
    y: {
      label: 'L_t / L_max',
      type: scale,
      grid: true,
      ticks: (scale === 'log' && logTicks(smallest)) || 5,
      tickFormat: String,
    },
    marks: [
      Plot.areaY(thinOut(counted), {
        x: 'timestep',
        y1: scale === 'log' ? smallest : 0,
        y2: 'share',
        fill: 'var(--kept)',
        fillOpacity: 0.14,
      }),
      Plot.line(thinOut(after), {
        x: 'timestep',
        y: 'share',
        stroke: 'var(--quiet)',
        strokeWidth: 1.5,
        strokeDasharray: '4,3',
      }),
      Plot.line(thinOut(counted), { x: 'timestep', y: 'share', stroke: 'var(--kept)', strokeWidth: 2 }),
      Plot.ruleY(limit, { stroke: 'var(--mark)', strokeDasharray: '5,4' }),
      Plot.text(limit, {
        y: (value: number) => value,
        text: (value: number) => `threshold ${value}`,
        frameAnchor: 'right',
        textAnchor: 'end',
        dy: -8,
        fill: 'var(--mark)',
      }),
      Plot.ruleX(stop, { stroke: 'currentColor', strokeDasharray: '2,3' }),
      Plot.text(stop, {
        x: (value: number) => value,
        text: (value: number) => `stopped at t = ${value}`,
        frameAnchor: 'top',
        textAnchor: end > 0 && stoppedAt > end * 0.6 ? 'end' : 'start',
        dx: end > 0 && stoppedAt > end * 0.6 ? -6 : 6,
        dy: 6,
      }),
    ],
  }));
}

/** Powers of ten of a log axis, where it spans at least one; lines at all their multiples would drown the curve. */
function logTicks(smallest: number): number[] | undefined {
  const from = Math.ceil(Math.log10(smallest));
  return from < 0 ? Array.from({ length: 1 - from }, (_, i) => 10 ** (from + i)) : undefined;
}
