import type { PruneReport } from '@secateur/core';
import { significant, wholeNumber } from '../format-numbers.js';
import { type NamedGroup, stagesOf } from '../group-names.js';
import { codeName, type Html, html } from '../html/html.js';
import { plotScores } from '../plots/plot-scores.js';
import { type ScoreHistogram, scoreHistogram } from '../score-histogram.js';
import type { Section } from './section.js';

/** Groups up to which all histograms are shown from the start. */
const openUpTo = 80;

/** How the scores of every scored group lie, and which side of them went. */
export function scoresSection(report: Pick<PruneReport, 'groups' | 'criterion'>): Section | undefined {
  const scored = report.groups.filter((group) => scoreHistogram(group));
  if (scored.length === 0) return undefined;
  const body = html`<p>Scores of the criterion <code>${report.criterion}</code>, one histogram a group; a larger score means a unit that matters more. Scales differ from group to group. The dashed line is at the highest score that was removed; where kept units score below it, the cut was made separately in parts of the group (norm groups, rounding or heads).</p>
<p class="quiet"><span class="key kept"></span> kept <span class="key gone"></span> removed</p>
${stagesOf(scored).map(
  ({ name, groups }) =>
    html`<details${scored.length <= openUpTo ? html` open` : undefined}><summary><code>${name}</code> <span class="quiet">${groups.length === 1 ? '1 group' : `${groups.length} groups`}</span></summary><div class="small-multiples">${groups.map(figure)}</div></details>`,
)}`;
  return { id: 'scores', title: 'Scores', body };
}

function figure({ group, name }: NamedGroup): Html {
  const histogram = scoreHistogram(group)!;
  const { size, kept, kind } = group;
  const range = rangeText(histogram);
  const label = `Scores of ${name}: ${kept} of ${size} kept, ${range}.`;
  return html`<figure class="small"><figcaption>${codeName(name)}${kind === 'channel' ? undefined : html` <span class="quiet">${kind}</span>`}</figcaption>${plotScores(label, histogram)}<p class="quiet ends"><span>${significant(histogram.lowest)}</span><span>${wholeNumber(kept)} of ${wholeNumber(size)} kept</span><span>${histogram.hasTail ? '→ ' : ''}${significant(histogram.highest)}</span></p></figure>`;
}

function rangeText({ lowest, highest, highestRemoved, lowestKept }: ScoreHistogram): string {
  const parts = [`scores from ${significant(lowest)} to ${significant(highest)}`];
  if (highestRemoved !== undefined) parts.push(`highest removed ${significant(highestRemoved)}`);
  if (lowestKept !== undefined) parts.push(`lowest kept ${significant(lowestKept)}`);
  return parts.join(', ');
}
