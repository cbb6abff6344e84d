import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom/worker';
import { type Html, html, trusted, visible } from '../html/html.js';

/** Pixels a plot is drawn for: a desktop column and a phone. */
export const plotWidths = { wide: 920, narrow: 350 } as const;

/** Makes elements for Plot; nothing is ever put into it. */
let document: Document | undefined;

/** Class that the page's style sheet knows plots by. */
const className = 'plot';

/**
 * Draws a plot without a browser.
 *
 * @param label  what it shows, for those who cannot see it
 * @returns an `<svg>` with a `<title>` and no style of its own
 */
export function drawPlot(label: string, options: Plot.PlotOptions): Html {
  document ??= parseHTML('<!doctype html><html><body></body></html>').document;
  const svg = Plot.plot({ ...options, document, className }) as unknown as SVGSVGElement;
  for (const style of svg.querySelectorAll('style')) style.remove();
  for (const element of svg.querySelectorAll('*')) shorten(element);
  svg.setAttribute('role', 'img');
  for (const name of ['font-size', 'font-family', 'height']) svg.removeAttribute(name);
  const title = document.createElementNS('http://www.w3.org/2000/svg', 'title') as unknown as SVGTitleElement;
  title.textContent = visible(label);
  svg.prepend(title);
  return trusted(svg.outerHTML);
}

/** The same plot for wide and narrow screens; the style sheet shows one of them. */
export function drawResponsive(label: string, options: (width: number) => Plot.PlotOptions): Html {
  const [wide, narrow] = [plotWidths.wide, plotWidths.narrow].map((width) =>
    drawPlot(label, { ...options(width), width }),
  );
  return html`<div class="wide">${wide}</div><div class="narrow">${narrow}</div>`;
}

/** A tenth of a pixel is as fine as anybody sees. */
function shorten(element: Element): void {
  for (const name of ['d', 'transform', 'x', 'y', 'x1', 'x2', 'y1', 'y2', 'width', 'height', 'cx', 'cy']) {
    const value = element.getAttribute(name);
    if (value && !value.includes('em')) element.setAttribute(name, value.replace(/(\d+\.\d)\d+/g, '$1'));
  }
  // Groups of marks are named for a11y trees; inside an image they only add weight.
  element.removeAttribute('aria-label');
  element.removeAttribute('aria-hidden');
}
