import type { Manifest, PruneReport } from '@secateur/core';
import { capitalized, change, share, wholeNumber } from './format-numbers.js';
import { howToLoad } from './how-to-load.js';
import { visible } from './html/html.js';
import { costRows } from './sections/cost.js';
import { flatten } from './sections/run.js';
import { modelName, sourceName, summarize } from './summary.js';

export interface ModelCardInput {
  readonly report: PruneReport;
  readonly manifest?: Manifest;
  /** Paths of the files written, relative to the output folder. */
  readonly files?: readonly string[];
}

/** `README.md` of a pruned model. It states what the run measured and nothing else. */
export function modelCard({ report, manifest, files = [] }: ModelCardInput): string {
  const { model, method, seed, normGroups, warnings } = report;
  const parts = [
    frontMatter(files),
    `# ${markdown(modelName(model))}, pruned`,
    markdown(summarize(report)),
    '## Numbers',
    costTable(report),
    '## How it was made',
    list([
      `Method: ${markdown(method.name)}${method.paper ? ` (${markdown(method.paper)})` : ''}`,
      ...flatten(method.options).map(([name, value]) => `Option ${markdown(name)}: ${markdown(value)}`),
      `Criterion: ${markdown(report.criterion)}; selector: ${markdown(report.selector)}; space: ${markdown(report.space)}`,
      ...(normGroups ? [`Norm-group rule: ${markdown(normGroups)}`] : []),
      ...flatten(report.settings).map(([name, value]) => `Setting ${markdown(name)}: ${markdown(value)}`),
      `Seed: ${seed}`,
      ...(manifest?.source ?? []).map(
        ({ name, sha256 }) => `Made from ${markdown(sourceName(name))}, SHA-256 ${markdown(sha256)}`,
      ),
    ]),
    '## Not pruned',
    notPruned(report),
    ...(warnings.length > 0 ? ['## Warnings', list(warnings.map(markdown))] : []),
    ...loading(files, manifest?.className),
    '## Limits',
    'The numbers above are all that this run measured: pictures were not judged unless a file beside this one says so. The terms of the model it was made from apply to it as well.',
  ];
  return `${parts.join('\n\n')}\n`;
}

function frontMatter(files: readonly string[]): string {
  const library = files.some((file) => file.endsWith('diffusion_pytorch_model.safetensors'))
    ? ['library_name: diffusers']
    : [];
  return ['---', ...library, 'tags:', '- diffusion', '- pruning', '- secateur', '---'].join('\n');
}

function costTable(report: PruneReport): string {
  const rows = costRows(report).map(({ name, before, after, exact, how }) => {
    const measured = before !== undefined && after !== undefined;
    const numbers = measured ? [exact(before), exact(after), change(before, after)] : ['—', '—', '—'];
    return `| ${[name, ...numbers, markdown(how)].join(' | ')} |`;
  });
  return ['| | dense | pruned | change | how it was measured |', '|---|---:|---:|---:|---|', ...rows].join('\n');
}

/** Tensors a card names for one reason before it says how many more there are. */
const tensorsNamed = 8;

function notPruned({ notPruned: entries, coverage }: PruneReport): string {
  const byReason = new Map<string, Set<string>>();
  for (const { tensor, reason } of entries) byReason.set(reason, (byReason.get(reason) ?? new Set()).add(tensor));
  const lines = [...byReason].map(([reason, tensors]) => {
    const named = [...tensors].slice(0, tensorsNamed).map(markdown).join(', ');
    const more = tensors.size > tensorsNamed ? ` and ${wholeNumber(tensors.size - tensorsNamed)} more` : '';
    return `${markdown(reason)}: ${named}${more}`;
  });
  const covered = `${capitalized(share(coverage))} of the parameters lie in some unit that could be removed.`;
  return lines.length > 0 ? `${covered} Left out:\n\n${list(lines)}` : covered;
}

function loading(files: readonly string[], className: string | undefined): string[] {
  const ways = howToLoad(files, className);
  if (ways.length === 0) return [];
  return ['## How to load it', ...ways.map(({ title, language, code }) => `${title}:\n\n${fenced(language, code)}`)];
}

/** A fence longer than any run of backticks inside. */
function fenced(language: string, code: string): string {
  const longest = Math.max(2, ...[...code.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${code}\n${fence}`;
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n');
}

/** Text that Markdown and the HTML inside it leave alone, on one line. */
export function markdown(text: string): string {
  return visible(text)
    .replace(/[\r\n\t]+/g, ' ')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/[\\`*_[\]|~#!>]/g, '\\$&')
    .replace(/:\/\//g, '&#58;//');
}
