import type { PruneReport } from '@secateur/core';
import { percent, wholeNumber } from '../format-numbers.js';
import { codeName, html } from '../html/html.js';
import { bar, type Section } from './section.js';

/** Share of zeros by tensor, where the run zeroed weights. */
export function sparsitySection(report: Pick<PruneReport, 'sparsity' | 'space'>): Section | undefined {
  const entries = Object.entries(report.sparsity ?? {});
  if (entries.length === 0) return undefined;
  const body = html`<p>Weights were set to zero in the space <code>${report.space}</code>; shapes stay as they were. Files and run time shrink only where a format or an engine makes use of zeros.</p>
<details${entries.length <= 48 ? html` open` : undefined}><summary>Tensors <span class="quiet">${wholeNumber(entries.length)}</span></summary><table class="widths"><thead><tr><th scope="col">Tensor</th><th scope="col" class="n">Zeros</th><th scope="col" class="bars"><span class="unseen">Bar</span></th></tr></thead><tbody>${entries.map(
    ([tensor, sparsity]) =>
      html`<tr><th scope="row">${codeName(tensor)}</th><td class="n">${percent(sparsity)}</td><td class="bars">${bar(1, 'dense', 1 - sparsity)}</td></tr>`,
  )}</tbody></table></details>`;
  return { id: 'sparsity', title: 'Sparsity', body };
}
