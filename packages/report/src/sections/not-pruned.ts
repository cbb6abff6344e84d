import type { PruneReport } from '@secateur/core';
import { capitalized, share, wholeNumber } from '../format-numbers.js';
import { codeName, type Html, html } from '../html/html.js';
import type { Section } from './section.js';

type Entry = PruneReport['notPruned'][number];

/** Entries of one reason that are shown without being asked for. */
const openUpTo = 12;

/** Everything the run left alone, by reason. */
export function notPrunedSection(report: Pick<PruneReport, 'notPruned' | 'coverage'>): Section {
  const byReason = new Map<string, Entry[]>();
  for (const entry of report.notPruned) {
    const list = byReason.get(entry.reason) ?? [];
    if (list.length === 0) byReason.set(entry.reason, list);
    list.push(entry);
  }
  const body = html`<p>${report.coverage === 1 ? 'All' : capitalized(share(report.coverage))} of the parameters lie in some unit that could be removed. ${byReason.size === 0 ? 'Nothing was left out.' : 'Left out, and why:'}</p>
${[...byReason].map(([reason, entries]) => reasonTable(reason, entries))}`;
  return { id: 'not-pruned', title: 'Not pruned', body };
}

function reasonTable(reason: string, entries: readonly Entry[]): Html {
  const open = entries.length <= openUpTo ? html` open` : undefined;
  return html`<details${open}><summary>${reason} <span class="quiet">${entries.length === 1 ? '1 tensor axis' : `${wholeNumber(entries.length)} tensor axes`}</span></summary>
<table class="tight"><thead><tr><th scope="col">Tensor</th><th scope="col" class="n">Axis</th></tr></thead><tbody>${entries.map(
    ({ tensor, axis }) => html`<tr><th scope="row">${codeName(tensor)}</th><td class="n">${axis ?? 'all'}</td></tr>`,
  )}</tbody></table></details>`;
}
