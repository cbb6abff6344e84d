import { type GroupReport, isDepth, type PruneReport } from '@secateur/core';
import type { UnitKind } from '@secateur/graph';
import { wholeNumber } from '../format-numbers.js';
import { codeName, type Html, html } from '../html/html.js';
import type { Section } from './section.js';

/** Whether a group is a layer, a block or the like: there as a whole or not at all. */
export function isLayer({ kind }: GroupReport): boolean {
  return isDepth(kind as UnitKind);
}

/** Layers and blocks that went, with the tensors that went along; how many others might have. */
export function layersSection(report: Pick<PruneReport, 'groups'>): Section | undefined {
  const layers = report.groups.filter(isLayer);
  const gone = layers.filter(({ kept }) => kept === 0);
  if (gone.length === 0) return undefined;
  const stayed = layers.length - gone.length;
  const others = stayed === 0 ? '' : ` ${wholeNumber(stayed)} more could have gone and stayed.`;
  const body = html`<p>What is left out hands its input on, through its shortcut where it has one.${others}</p>
<table class="widths"><thead><tr><th scope="col">Layer</th><th scope="col">Kind</th><th scope="col" class="n">Tensors</th></tr></thead><tbody>${gone.map(row)}</tbody></table>`;
  return { id: 'layers', title: 'Removed layers', body };
}

function row({ id, kind, tensors }: GroupReport): Html {
  return html`<tr><th scope="row"><details class="tensors"><summary>${codeName(id)}</summary><ul>${tensors.map((tensor) => html`<li>${tensor}</li>`)}</ul></details></th><td>${kind}</td><td class="n">${wholeNumber(tensors.length)}</td></tr>`;
}

/** The groups of channels and the like that are left to speak of: no layers, and nothing of which all tensors went with one. */
export function groupsInside(groups: readonly GroupReport[]): GroupReport[] {
  const gone = new Set(groups.filter((group) => isLayer(group) && group.kept === 0).flatMap(({ tensors }) => tensors));
  return groups.filter((group) => !isLayer(group) && !group.tensors.every((tensor) => gone.has(tensor)));
}
