import type { Loading } from '../how-to-load.js';
import { html } from '../html/html.js';
import type { Section } from './section.js';

export function loadingSection(ways: readonly Loading[]): Section | undefined {
  if (ways.length === 0) return undefined;
  return {
    id: 'loading',
    title: 'How to load it',
    body: html`${ways.map(({ title, code }) => html`<h3>${title}</h3><pre tabindex="0"><code>${code}</code></pre>`)}`,
  };
}
