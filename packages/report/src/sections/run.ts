import type { Json, Manifest, PruneReport } from '@secateur/core';
import { share } from '../format-numbers.js';
import { type Html, html } from '../html/html.js';
import { sourceName } from '../summary.js';
import type { Section } from './section.js';

type Fact = readonly [name: string, value: string];

/** What was asked for and what ran: enough to do it again. */
export function runSection(report: PruneReport, manifest?: Manifest): Section {
  const { method, criterion, selector, space, normGroups, seed, engine, coverage } = report;
  const facts: Fact[] = [
    ['Method', method.paper ? `${method.name} (${method.paper})` : method.name],
    ['Criterion', criterion],
    ['Selector', selector],
    ['Space', space],
    ['Norm-group rule', normGroups ?? 'none: no norm group was cut'],
    ['Seed', String(seed)],
    ['Engine', engine ?? 'none: nothing was run'],
    ['Coverage', `${share(coverage)} of the parameters lie in some unit`],
  ];
  const body = html`${factTable('The run', facts)}${factTable('Options of the method', flatten(method.options))}${factTable('Settings', flatten(report.settings))}${manifest && manifestTables(manifest)}`;
  return { id: 'run', title: 'How it was done', body };
}

function manifestTables({ className, data, scoresSha256, versions, source }: Manifest): Html {
  const facts: Fact[] = [
    ...(className ? [['Model class', className] as const] : []),
    ...(scoresSha256 ? [['SHA-256 of the scores', scoresSha256] as const] : []),
    ...Object.entries(versions).map(([name, version]) => [`Version of ${name}`, version] as const),
  ];
  const sources = source.map(({ name, sha256 }): Fact => [sourceName(name), sha256]);
  return html`${factTable('Manifest', facts)}${factTable('Calibration data', data === undefined ? [] : flatten(data))}${factTable('Source files, SHA-256', sources)}`;
}

function factTable(caption: string, facts: readonly Fact[]): Html | undefined {
  if (facts.length === 0) return undefined;
  return html`<table class="facts"><caption>${caption}</caption><tbody>${facts.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`)}</tbody></table>`;
}

/** A value as rows of `path.to.it` and text; empty lists and objects are `none`. */
export function flatten(value: Json, path = ''): Fact[] {
  if (typeof value !== 'object' || value === null) return [[path || 'value', value === null ? 'none' : String(value)]];
  const entries = Array.isArray(value) ? value : Object.entries(value as Readonly<Record<string, Json>>);
  if (entries.length === 0) return path ? [[path, 'none']] : [];
  if (Array.isArray(value)) {
    const isFlat = value.every((item) => typeof item !== 'object' || item === null);
    if (isFlat) return [[path || 'value', value.map(String).join(', ')]];
    return value.flatMap((item, i) => flatten(item, `${path}[${i}]`));
  }
  return Object.entries(value as Readonly<Record<string, Json>>).flatMap(([key, item]) =>
    flatten(item, path ? `${path}.${key}` : key),
  );
}
