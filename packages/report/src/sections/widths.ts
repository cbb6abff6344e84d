import type { GroupReport, PruneReport } from '@secateur/core';
import { percent, wholeNumber } from '../format-numbers.js';
import { type NamedGroup, type Stage, stagesOf } from '../group-names.js';
import { codeName, type Html, html } from '../html/html.js';
import { plotGroupWidths } from '../plots/plot-group-widths.js';
import { groupsInside } from './layers.js';
import { bar, type Section } from './section.js';

/** Groups up to which all tables are open from the start. */
const openUpTo = 24;

/** Kept width of every group: the whole model in one picture, and the same as tables. */
export function widthsSection(report: Pick<PruneReport, 'groups'>): Section | undefined {
  const groups = groupsInside(report.groups);
  if (groups.length === 0) return undefined;
  const stages = stagesOf(groups);
  const largest = Math.max(...groups.map(({ size }) => size));
  const touched = groups.filter(({ size, kept }) => kept < size).length;
  const body = html`<p>${summary(groups.length, touched)}</p>
<figure>${plotGroupWidths(stages)}
<figcaption><span class="key kept"></span> kept <span class="key gone"></span> removed. One bar a group, from the model’s input to its output; pointing at a bar says which. The tables below have the same numbers and, under each group’s name, its tensors.</figcaption></figure>
${stages.map((stage) => stageTable(stage, largest, groups.length <= openUpTo))}`;
  return { id: 'widths', title: 'Kept widths', body };
}

function summary(groups: number, touched: number): string {
  const counted = groups === 1 ? 'There is 1 group' : `There are ${wholeNumber(groups)} groups`;
  return `A group is a set of slices that must be cut together; its units are ranked against each other. ${counted}; ${wholeNumber(touched)} ${touched === 1 ? 'was' : 'were'} made narrower.`;
}

function stageTable({ name, groups }: Stage, largest: number, isOpen: boolean): Html {
  const total = (key: 'size' | 'kept'): number => groups.reduce((sum, { group }) => sum + group[key], 0);
  const open = isOpen ? html` open` : undefined;
  return html`<details${open}><summary><code>${name}</code> <span class="quiet">${groups.length === 1 ? '1 group' : `${groups.length} groups`}, ${wholeNumber(total('kept'))} of ${wholeNumber(total('size'))} units kept</span></summary>
<table class="widths"><thead><tr><th scope="col">Group</th><th scope="col">Kind</th><th scope="col" class="n">Dense</th><th scope="col" class="n">Kept</th><th scope="col" class="n">Share</th><th scope="col" class="bars"><span class="unseen">Bar</span></th></tr></thead>
<tbody>${groups.map((named) => row(named, largest))}</tbody></table></details>`;
}

function row({ group, name }: NamedGroup, largest: number): Html {
  const { size, kept, kind } = group;
  const share = size === 0 ? 1 : kept / size;
  return html`<tr><th scope="row">${tensorsOf(group, name)}</th><td>${kind}</td><td class="n">${wholeNumber(size)}</td><td class="n">${wholeNumber(kept)}</td><td class="n">${percent(share, 0)}</td><td class="bars">${bar(size / largest, 'dense', share)}</td></tr>`;
}

function tensorsOf({ tensors }: GroupReport, name: string): Html {
  return html`<details class="tensors"><summary>${codeName(name)}</summary><ul>${tensors.map((tensor) => html`<li>${tensor}</li>`)}</ul></details>`;
}
