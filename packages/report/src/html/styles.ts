/** The look of all pages: paper and leaf green, light and dark, phone to desktop, and on paper. */
export const styles = `
:root {
  color-scheme: light dark;
  --paper: #fbfaf6; --sheet: #ffffff; --ink: #1b211d; --quiet: #59635c; --line: #dcdcd3; --band: #f1f0e8;
  --kept: #23764a; --gone: #df9168; --dense: #a9b3ab; --mark: #b3412e; --third: #3566a8; --fourth: #8a5aa8; --leaf: #1d6b42;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #121614; --sheet: #1a1f1c; --ink: #e7ece8; --quiet: #9daaa2; --line: #313934; --band: #1d2320;
    --kept: #6fcf9b; --gone: #8f4f38; --dense: #66726a; --mark: #ff9077; --third: #8ab4f0; --fourth: #c9a2e4; --leaf: #7dd9a6;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "Open Sans", sans-serif; overflow-wrap: break-word; }
.page { max-width: 1040px; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
header .kind { margin: 0; color: var(--leaf); font-weight: 600; letter-spacing: .02em; }
h1, h2, .big { font-family: ui-serif, Georgia, "Source Serif 4", "Noto Serif", serif; font-weight: 600; line-height: 1.2; }
h1 { font-size: clamp(1.75rem, 5vw, 2.75rem); margin: .2rem 0 .5rem; overflow-wrap: anywhere; }
.lead { font-size: 1.15rem; max-width: 46rem; margin: 0 0 1rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; margin: 1.25rem 0 0; padding: 0; list-style: none; font-size: .95rem; }
a { color: var(--leaf); text-underline-offset: .18em; }
section { margin-top: 3rem; padding-top: 1.25rem; border-top: 1px solid var(--line); }
h2 { font-size: 1.6rem; margin: 0 0 .75rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
p { max-width: 46rem; margin: 0 0 1rem; }
.quiet, figcaption, caption, .how { color: var(--quiet); }
.warnings { background: var(--sheet); border: 1px solid var(--line); border-left: 4px solid var(--mark); padding: .75rem 1.25rem; margin-top: 1.5rem; border-radius: 4px; }
.warnings h2 { font-size: 1.1rem; margin: 0 0 .25rem; }
.warnings ul { margin: 0; padding-left: 1.2rem; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; font-size: .875em; unicode-bidi: isolate; overflow-wrap: anywhere; }
pre { background: var(--sheet); border: 1px solid var(--line); border-radius: 6px; padding: .9rem 1.1rem; overflow-x: auto; margin: .25rem 0 1rem; }
pre code { overflow-wrap: normal; font-size: .85rem; }

.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 1rem; margin: 0 0 1.5rem; padding: 0; list-style: none; }
.card { background: var(--sheet); border: 1px solid var(--line); border-radius: 8px; padding: 1rem 1.1rem; }
.card h3 { margin: 0; font-weight: 600; color: var(--quiet); font-size: .95rem; }
.big { font-size: 2rem; margin: .1rem 0 .6rem; white-space: nowrap; }
.big.quiet { font-size: 1.2rem; white-space: normal; }
.pair { display: grid; grid-template-columns: auto 1fr; gap: .35rem .75rem; margin: 0; font-size: .9rem; align-items: baseline; }
.pair dt { color: var(--quiet); }
.pair dd { margin: 0; font-variant-numeric: tabular-nums; }
.bar { display: block; height: .6rem; }
.bar b { display: block; height: 100%; border-radius: 2px; overflow: hidden; min-width: 1px; }
.bar .dense { background: var(--dense); }
.bar .kept, .bar i { background: var(--kept); }
.bar i { display: block; height: 100%; }
.bars .dense { background: var(--gone); }

table { border-collapse: collapse; width: 100%; font-size: .92rem; }
.scroll { overflow-x: auto; margin-bottom: 1rem; }
caption { text-align: left; padding: 0 0 .4rem; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .9rem .4rem 0; border-bottom: 1px solid var(--line); font-weight: 400; }
thead th { color: var(--quiet); font-size: .85rem; }
tbody th { font-weight: 500; }
th:last-child, td:last-child { padding-right: 0; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.how { font-size: .85rem; padding-top: 0; }
.exact tbody tr:first-child > * { border-bottom: 0; padding-bottom: .1rem; }
.exact th[scope=row] { font-weight: 600; }
.exact thead th:first-child { width: 34%; }
.widths td.bars { width: 34%; padding-top: .8rem; }
.widths th[scope=row] { max-width: 26rem; }
.tight { width: auto; margin-bottom: .5rem; }
.facts { margin-bottom: 1.5rem; table-layout: fixed; }
.facts caption { color: var(--ink); font-weight: 600; font-size: 1rem; }
.facts th { width: 14rem; color: var(--quiet); overflow-wrap: anywhere; }
.facts td { overflow-wrap: anywhere; }

details { border-bottom: 1px solid var(--line); }
section > details:last-child { border-bottom: 0; }
summary { cursor: pointer; padding: .55rem 0; }
summary:hover { color: var(--leaf); }
details > table { margin: 0 0 1rem; }
details table tr:last-child > * { border-bottom: 0; }
.tensors { border: 0; }
.tensors summary { padding: 0; }
.tensors li { overflow-wrap: anywhere; }
.tensors ul { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; unicode-bidi: isolate; margin: .3rem 0 .2rem; padding-left: 1.2rem; color: var(--quiet); font-size: .78rem; }
:focus-visible { outline: 2px solid var(--leaf); outline-offset: 3px; border-radius: 2px; }

figure { margin: 0 0 1.25rem; }
figcaption { font-size: .9rem; max-width: 46rem; margin-top: .4rem; }
.plot { display: block; width: 100%; height: auto; overflow: visible; background: none; font: 12px/1 system-ui, -apple-system, "Segoe UI", "Open Sans", sans-serif; }
.plot text { white-space: pre; }
.narrow { display: none; }
.key { display: inline-block; width: .8em; height: .8em; border-radius: 2px; vertical-align: -.05em; }
.key.kept { background: var(--kept); }
.key.gone { background: var(--gone); margin-left: .6em; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(280px, 100%), 1fr)); gap: 1.25rem; }
.picture { margin: 0; }
.picture img { display: block; width: 100%; height: auto; border-radius: 4px; border: 1px solid var(--line); background: #fff; }
.picture .pixels { image-rendering: pixelated; }
.picture figcaption { color: var(--ink); }
.small-multiples { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(220px, 100%), 1fr)); gap: 1.1rem 1.5rem; padding: .25rem 0 1.25rem; }
.small { margin: 0; display: flex; flex-direction: column; }
.small figcaption { margin: 0 0 .3rem; flex: 1; color: var(--ink); font-size: .9rem; line-height: 1.35; }
.ends { display: flex; justify-content: space-between; margin: .15rem 0 0; font-size: .8rem; font-variant-numeric: tabular-nums; }
.switch { border: 0; margin: 0; padding: 0; min-width: 0; }
.switch legend { float: left; padding: 0 .75rem 0 0; color: var(--quiet); font-size: .9rem; }
.switch label { font-size: .9rem; margin: 0 1rem 0 .3rem; }
.switch input { accent-color: var(--kept); }
.switch figure { margin-top: .75rem; clear: both; }
.switch .linear, .switch #loss-linear:checked ~ figure .log { display: none; }
.switch #loss-linear:checked ~ figure .linear { display: block; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
footer { margin-top: 3rem; color: var(--quiet); font-size: .85rem; }

@media (max-width: 640px) {
  .page { padding: 1.5rem 1rem 3rem; }
  .wide { display: none; }
  .narrow { display: block; }
  section { margin-top: 2.25rem; }
  .cards { grid-template-columns: 1fr 1fr; gap: .6rem; }
  .card { padding: .75rem .8rem; }
  .big { font-size: 1.5rem; }
  .pair { gap: .35rem .6rem; font-size: .85rem; }
  .exact thead th:first-child { width: auto; }
  .exact, .exact .how { font-size: .82rem; }
  .exact :is(th, td) { padding-right: .5rem; }
  .small-multiples { grid-template-columns: 1fr 1fr; gap: 1rem; }
  .ends span:nth-child(2) { order: 3; flex-basis: 100%; text-align: center; }
  .ends { flex-wrap: wrap; }
  .facts th { width: 40%; }
  .widths :is(td.bars, th.bars), .widths tr > :nth-child(2):not(.n) { display: none; }
  .switch legend { float: none; }
}
@media print {
  :root { --paper: #fff; --sheet: #fff; --ink: #000; --quiet: #444; --line: #ccc; --band: #f3f3ef; --kept: #23764a; --gone: #df9168; --dense: #a9b3ab; --mark: #b3412e; --leaf: #1d6b42; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { font-size: 10.5pt; }
  .page { max-width: none; padding: 0; }
  nav, .switch legend, .switch input, .switch label { display: none; }
  figure, .card, tr, pre { break-inside: avoid; }
  h2, h3, summary { break-after: avoid; }
  .scroll { overflow: visible; }
  details:not(.tensors)::details-content { content-visibility: visible; height: auto; }
}
`;
