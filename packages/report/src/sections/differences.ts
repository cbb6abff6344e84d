import { significant } from '../format-numbers.js';
import { html } from '../html/html.js';
import { type DifferenceLine, plotDifferences } from '../plots/plot-differences.js';
import type { Section } from './section.js';

/** Error over the timesteps of sampling, one line a model. */
export function differencesSection(lines: readonly DifferenceLine[], measure: string): Section | undefined {
  const drawn = lines
    .map(({ name, points }) => ({ name, points: points.filter(({ error }) => Number.isFinite(error)) }))
    .filter(({ points }) => points.length > 0);
  if (drawn.length === 0) return undefined;
  const worst = drawn.map(({ name, points }) => {
    const { timestep, error } = points.reduce((best, point) => (point.error > best.error ? point : best));
    return `${drawn.length > 1 ? `${name}: ` : ''}${significant(error)} at t = ${timestep}`;
  });
  const body = html`<figure>${plotDifferences(drawn, 'error')}<figcaption>${measure} Sampling runs from right to left. ${drawn.length > 1 ? 'Largest differences: ' : 'Largest difference: '}${worst.join('; ')}.</figcaption></figure>`;
  return { id: 'differences', title: 'Difference at each timestep', body };
}
