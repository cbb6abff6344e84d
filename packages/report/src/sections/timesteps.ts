import type { PruneReport } from '@secateur/core';
import { significant, wholeNumber } from '../format-numbers.js';
import { type Html, html } from '../html/html.js';
import { type LossCurve, plotLosses } from '../plots/plot-losses.js';
import type { Section } from './section.js';

/** L_t / L_max over the timesteps visited, with the threshold and where the sweep stopped. */
export function timestepsSection(report: Pick<PruneReport, 'losses' | 'stoppedAt' | 'method'>): Section | undefined {
  const losses = report.losses.filter(({ loss }) => Number.isFinite(loss)).sort((a, b) => a.timestep - b.timestep);
  if (losses.length === 0 || !losses.some(({ loss }) => loss > 0)) return undefined;
  const { stoppedAt } = report;
  const curve: LossCurve = { losses, stoppedAt, threshold: thresholdOf(report.method.options) };
  const body = html`<p>${story(curve)}</p>
<fieldset class="switch"><legend>Vertical scale</legend><input type="radio" name="loss-scale" id="loss-log" checked><label for="loss-log">logarithmic</label><input type="radio" name="loss-scale" id="loss-linear"><label for="loss-linear">linear</label>
<figure><div class="log">${plotLosses(curve, 'log')}</div><div class="linear">${plotLosses(curve, 'linear')}</div><figcaption>${caption(curve)}</figcaption></figure></fieldset>
${lossTable(curve)}`;
  return { id: 'timesteps', title: 'Timesteps', body };
}

function thresholdOf(options: unknown): number | undefined {
  const value =
    typeof options === 'object' && options !== null ? (options as { threshold?: unknown }).threshold : undefined;
  return typeof value === 'number' ? value : undefined;
}

function story({ losses, stoppedAt, threshold }: LossCurve): string {
  const counted =
    stoppedAt === undefined ? losses.length : losses.filter(({ timestep }) => timestep <= stoppedAt).length;
  const added = `Gradients of ${wholeNumber(counted)} timesteps were added up`;
  if (stoppedAt === undefined) return `${added}; the sweep was not stopped early.`;
  const rule = threshold === undefined ? '' : `, where the loss fell below ${threshold} of the largest`;
  return `${added}, from t = 0 to t = ${stoppedAt}${rule}. Later timesteps were only run forwards, at wider spacing, to show the rest of the curve.`;
}

function caption({ losses, stoppedAt }: LossCurve): string {
  const largest = losses.reduce((best, point) => (point.loss > best.loss ? point : best));
  const dashed = stoppedAt === undefined ? '' : ' Solid: counted. Dashed: after the stop.';
  return `Mean squared error of the dense model’s prediction at each timestep, divided by the largest (L_max = ${significant(largest.loss)} at t = ${largest.timestep}), on the calibration samples.${dashed}`;
}

/** Rows a reader can take in; enough to follow the curve. */
const tableRows = 24;

function lossTable({ losses }: LossCurve): Html {
  const largest = Math.max(...losses.map(({ loss }) => loss));
  const step = Math.max(1, Math.ceil(losses.length / tableRows));
  const rows = losses.filter((_, i) => i % step === 0 || i === losses.length - 1);
  return html`<details><summary>Numbers <span class="quiet">${rows.length} of ${wholeNumber(losses.length)} timesteps</span></summary><table class="tight"><thead><tr><th scope="col" class="n">t</th><th scope="col" class="n">L_t</th><th scope="col" class="n">L_t / L_max</th></tr></thead><tbody>${rows.map(
    ({ timestep, loss }) =>
      html`<tr><th scope="row" class="n">${timestep}</th><td class="n">${significant(loss, 4)}</td><td class="n">${significant(loss / largest, 4)}</td></tr>`,
  )}</tbody></table></details>`;
}
