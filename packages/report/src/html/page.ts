import { renderSection, type Section } from '../sections/section.js';
import { type Html, html, trusted } from './html.js';
import { styles } from './styles.js';

export interface Page {
  readonly title: string;
  /** What kind of page it is, above the title. */
  readonly kind: string;
  readonly lead: string;
  readonly warnings: readonly string[];
  readonly sections: readonly Section[];
}

/** What the page may load: nothing but the pictures and styles it brings along. There is no script. */
const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** A whole document, from doctype to the last tag. */
export function renderPage({ title, kind, lead, warnings, sections }: Page): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="Secateur">
<title>${title}</title>
<style>${trusted(styles)}</style>
</head>
<body>
<div class="page">
<header>
<p class="kind">${kind}</p>
<h1>${title}</h1>
<p class="lead">${lead}</p>
<nav aria-label="Sections"><ul>${sections.map(({ id, title: name }) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>
</header>
<main>
${warningBox(warnings)}
${sections.map(renderSection)}
</main>
<footer><p>Made by Secateur. This page holds everything it shows and loads nothing.</p></footer>
</div>
</body>
</html>
`.markup;
}

function warningBox(warnings: readonly string[]): Html | undefined {
  if (warnings.length === 0) return undefined;
  const title = warnings.length === 1 ? 'Warning' : `${warnings.length} warnings`;
  return html`<aside class="warnings" aria-labelledby="warnings-title"><h2 id="warnings-title">${title}</h2><ul>${warnings.map((warning) => html`<li>${warning}</li>`)}</ul></aside>`;
}
