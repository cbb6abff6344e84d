import { type Html, html } from '../html/html.js';

/** One part of a page. */
export interface Section {
  /** Anchor. */
  readonly id: string;
  readonly title: string;
  readonly body: Html;
}

export function renderSection({ id, title, body }: Section): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${body}</section>`;
}

/** A bar of `share` of the place there is, in [0, 1]; decoration, so the number must stand beside it. */
export function bar(share: number, kind: 'dense' | 'kept', inner?: number): Html {
  const width = (value: number): string => (Math.min(1, Math.max(0, value)) * 100).toFixed(1);
  const inside = inner === undefined ? undefined : html`<i style="width:${width(inner)}%"></i>`;
  return html`<span class="bar" aria-hidden="true"><b class="${kind}" style="width:${width(share)}%">${inside}</b></span>`;
}
