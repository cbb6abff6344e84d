import type { ComparedModel, CompareInput } from './compare.js';
import { change, milliseconds, significant } from './format-numbers.js';
import { type Html, html } from './html/html.js';
import { pictureFigures } from './picture.js';
import { type CostRow, costRows } from './sections/cost.js';
import { differencesSection } from './sections/differences.js';
import type { Section } from './sections/section.js';

/** @param prefix  of the anchors, where a page has other sections of these names */
export function compareSections(input: CompareInput, prefix = ''): Section[] {
  const {
    models,
    engine,
    picturesNote = '',
    differencesNote = 'How far each model’s output is from the first model’s.',
  } = input;
  const sections: Section[] = [{ id: 'table', title: 'Compared', body: costTable(models, engine) }];
  if (models.some(({ pictures = [] }) => pictures.length > 0)) {
    const body = html`<p>Made from the same noise. ${picturesNote}</p>${pairedPictures(models)}`;
    sections.push({ id: 'pictures', title: 'Pictures compared', body });
  }
  const lines = models.map(({ name, differences = [] }) => ({ name, points: differences }));
  const differences = differencesSection(lines, differencesNote);
  if (differences) sections.push(differences);
  return sections.map((section) => ({ ...section, id: prefix + section.id }));
}

/** Quantities down, models across: two or three models are common, many are rare. */
function costTable(models: readonly ComparedModel[], engine: string | undefined): Html {
  const [first] = models;
  if (!first) return html`<p>No models.</p>`;
  // Each model against the first: its own column is `after`, the first's is `before`.
  const columns = models.map(({ cost }) => costRows({ before: first.cost, after: cost, engine }));
  const names = columns[0]!
    .map(({ name }) => name)
    .filter((name) => columns.every((rows) => rows.some((row) => row.name === name)));
  const metrics = [...new Set(models.flatMap((model) => Object.keys(model.metrics ?? {})))];
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Comparison"><table><caption>Change against the first model in brackets</caption>
<thead><tr><th scope="col">Quantity</th>${models.map(({ name }) => html`<th scope="col" class="n">${name}</th>`)}</tr></thead>
<tbody>${names.map(
    (name) =>
      html`<tr><th scope="row">${name}</th>${columns.map((rows, i) => html`<td class="n">${cell(rows.find((row) => row.name === name)!, i)}</td>`)}</tr>`,
  )}${metrics.map(
    (metric) =>
      html`<tr><th scope="row">${metric}</th>${models.map(({ metrics: own = {} }) => html`<td class="n">${own[metric] === undefined ? '—' : significant(own[metric], 4)}</td>`)}</tr>`,
  )}</tbody></table></div>
<p class="quiet">${names.map((name) => `${name}: ${name === 'Latency' ? howTimed(models, engine) : columns[0]!.find((row) => row.name === name)!.how}.`).join(' ')}</p>`;
}

function howTimed(models: readonly ComparedModel[], engine: string | undefined): string {
  const spreads = models.flatMap(({ name, cost: { latency } }) =>
    latency ? [`${name} ${milliseconds(latency.minMs)}–${milliseconds(latency.maxMs)} in ${latency.runs} runs`] : [],
  );
  if (spreads.length === 0) return 'not measured';
  return `median of single runs; spread ${spreads.join(', ')}${engine ? `; ${engine}` : ''}`;
}

function cell({ before, after, short }: CostRow, index: number): string {
  if (after === undefined) return '—';
  return index === 0 || before === undefined ? short(after) : `${short(after)} (${change(before, after)})`;
}

/** The n-th pictures of all models beside each other. */
function pairedPictures(models: readonly ComparedModel[]): Html {
  const rows = Math.max(...models.map(({ pictures = [] }) => pictures.length));
  return html`${Array.from({ length: rows }, (_, row) =>
    pictureFigures(
      models.flatMap(({ name, pictures = [] }) => {
        const picture = pictures[row];
        return picture ? [{ png: picture.png, label: `${name}: ${picture.label}` }] : [];
      }),
    ),
  )}`;
}
