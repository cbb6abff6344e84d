import type { Additivity, PruneReport } from '@secateur/core';
import { significant } from '../format-numbers.js';
import { type Html, html } from '../html/html.js';
import { plotAdditivity } from '../plots/plot-additivity.js';
import type { Section } from './section.js';

/** Sums of single layers' scores against what leaving the layers out together does. */
export function additivitySection({ additivity }: Pick<PruneReport, 'additivity'>): Section | undefined {
  if (!additivity || additivity.subsets.length === 0) return undefined;
  const { criterion, subsets } = additivity;
  const body = html`<p>Layers were chosen by sums of their scores. How far such sums can be trusted, on ${subsets.length} random sets of layers: the sum of the scores of <code>${criterion}</code>, and the same quantity measured with all of the set left out.</p>
<figure>${plotAdditivity(additivity)}<figcaption>One dot a set. On the line, scores add up; above it, layers that go together do more harm than each by itself.</figcaption></figure>
<table class="tight"><thead><tr><th scope="col">Sum of</th><th scope="col" class="n">Pearson</th><th scope="col" class="n">Spearman</th></tr></thead><tbody>${[additivity, ...additivity.others].map(correlations)}</tbody></table>
${numbers(additivity)}`;
  return { id: 'additivity', title: 'Additivity', body };
}

function correlations({ criterion, pearson, spearman }: Pick<Additivity, 'criterion' | 'pearson' | 'spearman'>): Html {
  return html`<tr><th scope="row"><code>${criterion}</code></th><td class="n">${text(pearson)}</td><td class="n">${text(spearman)}</td></tr>`;
}

const text = (correlation: number | null): string => (correlation === null ? 'does not vary' : correlation.toFixed(3));

function numbers({ subsets }: Additivity): Html {
  return html`<details><summary>Numbers <span class="quiet">${subsets.length} sets</span></summary><table class="tight"><thead><tr><th scope="col" class="n">Layers</th><th scope="col" class="n">Sum</th><th scope="col" class="n">Measured</th></tr></thead><tbody>${subsets.map(
    ({ units, predicted, measured }) =>
      html`<tr><td class="n">${units.length}</td><td class="n">${significant(predicted, 4)}</td><td class="n">${significant(measured, 4)}</td></tr>`,
  )}</tbody></table></details>`;
}
