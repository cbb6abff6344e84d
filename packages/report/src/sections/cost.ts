import type { Measured, PruneReport } from '@secateur/core';
import { bytes, change, compactNumber, milliseconds, wholeNumber } from '../format-numbers.js';
import { type Html, html } from '../html/html.js';
import { bar, type Section } from './section.js';

/** A quantity measured on both models. */
export interface CostRow {
  readonly name: string;
  readonly before?: number;
  readonly after?: number;
  /** For the headline. */
  readonly short: (value: number) => string;
  /** For the table. */
  readonly exact: (value: number) => string;
  readonly how: string;
}

/** Parameters, MACs, bytes and latency, each with the way it was measured. */
export function costRows({ before, after, engine }: Pick<PruneReport, 'before' | 'after' | 'engine'>): CostRow[] {
  const rows: CostRow[] = [
    {
      name: 'Parameters',
      before: before.parameters,
      after: after.parameters,
      short: (value) => compactNumber(value),
      exact: wholeNumber,
      how: 'counted from the tensors’ shapes; buffers are not parameters',
    },
    {
      name: 'MACs',
      before: before.macs,
      after: after.macs,
      short: (value) => compactNumber(value),
      exact: wholeNumber,
      how: 'multiply-adds of convolutions and linears for one sample of the model’s usual size, biases not counted',
    },
    {
      name: 'Weights on disk',
      before: before.bytes,
      after: after.bytes,
      short: bytes,
      exact: (value) => `${wholeNumber(value)} B`,
      how: 'bytes of all parameters and buffers as stored; zeroed weights count like any other',
    },
    {
      name: 'Latency',
      before: before.latency?.medianMs,
      after: after.latency?.medianMs,
      short: milliseconds,
      exact: milliseconds,
      how: howTimed(before, after, engine),
    },
  ];
  if (before.attentionMacs > 0) {
    rows.splice(2, 0, {
      name: 'Attention products',
      before: before.attentionMacs,
      after: after.attentionMacs,
      short: (value) => compactNumber(value),
      exact: wholeNumber,
      how: 'multiply-adds of activations with activations, for one sample; not part of the MACs above',
    });
  }
  return rows;
}

function howTimed(before: Measured, after: Measured, engine: string | undefined): string {
  const { latency: dense } = before;
  const { latency: pruned } = after;
  if (!dense || !pruned) return 'not measured in this run';
  const spread = `spread ${milliseconds(dense.minMs)}–${milliseconds(dense.maxMs)} dense, ${milliseconds(pruned.minMs)}–${milliseconds(pruned.maxMs)} pruned`;
  return `median of ${dense.runs} runs of batch 1, the two models in turn after a warm-up each; ${spread}${engine ? `; ${engine}` : ''}`;
}

/** The headline: what became of the model, at a glance and then exactly. */
export function costSection(report: Pick<PruneReport, 'before' | 'after' | 'engine'>): Section {
  const rows = costRows(report);
  const headline = rows.filter(({ name }) => name !== 'Attention products');
  const body = html`<ul class="cards">${headline.map(card)}</ul>
<div class="scroll"><table class="exact"><caption>Exact numbers, and how each was measured</caption>
<thead><tr><th scope="col">Quantity</th><th scope="col" class="n">Dense</th><th scope="col" class="n">Pruned</th><th scope="col" class="n">Change</th></tr></thead>
${rows.map(
  (row) =>
    html`<tbody><tr><th scope="row">${row.name}</th><td class="n">${shown(row.before, row.exact)}</td><td class="n">${shown(row.after, row.exact)}</td><td class="n">${changeOf(row)}</td></tr><tr><td colspan="4" class="how">${row.how}</td></tr></tbody>`,
)}</table></div>`;
  return { id: 'cost', title: 'Before and after', body };
}

function card(row: CostRow): Html {
  const { name, before, after, short } = row;
  if (before === undefined || after === undefined) {
    return html`<li class="card"><h3>${name}</h3><p class="big quiet">not measured</p></li>`;
  }
  const largest = Math.max(before, after, Number.MIN_VALUE);
  return html`<li class="card"><h3>${name}</h3><p class="big">${changeOf(row)}</p>
<dl class="pair"><dt>Dense</dt><dd><span>${short(before)}</span>${bar(before / largest, 'dense')}</dd><dt>Pruned</dt><dd><span>${short(after)}</span>${bar(after / largest, 'kept')}</dd></dl></li>`;
}

function shown(value: number | undefined, format: (value: number) => string): string {
  return value === undefined ? '—' : format(value);
}

function changeOf({ before, after }: CostRow): string {
  return before === undefined || after === undefined ? '—' : change(before, after);
}
