import type { PruneReport } from '@secateur/core';
import { compactNumber, milliseconds, percent } from './format-numbers.js';

/** A model's name for people: paths of the machine it was pruned on are nobody's business. */
export function modelName(name: string): string {
  return name.split(/[\\/]/).findLast((part) => part !== '') ?? name;
}

/** A source file's name: as it is within the model's folder, and without its folders where it is a path of the machine. */
export function sourceName(name: string): string {
  return /^(?:[\\/]|[a-z]:)/i.test(name) ? modelName(name) : name;
}

/** The run in two sentences. */
export function summarize({ before, after, method, settings, groups }: PruneReport): string {
  const kept = (key: 'parameters' | 'macs'): string => percent(before[key] === 0 ? 1 : after[key] / before[key]);
  const time =
    before.latency && after.latency
      ? ` One run takes ${milliseconds(after.latency.medianMs)} instead of ${milliseconds(before.latency.medianMs)}.`
      : '';
  const what = method.name === 'remove' ? removing(groups) : `${method.name}${budgetOf(settings)}`;
  return `${what} took the model from ${compactNumber(before.parameters)} to ${compactNumber(after.parameters)} parameters: ${kept('parameters')} of the parameters and ${kept('macs')} of the MACs remain.${time}`;
}

/** Of units that were named instead of ranked. */
function removing(groups: PruneReport['groups']): string {
  const count = groups.filter(({ size, kept }) => kept < size).length;
  return `Removing ${count === 1 ? 'a layer' : `${count} layers`} by name`;
}

function budgetOf(settings: PruneReport['settings']): string {
  const budget = (settings as { budget?: { kind?: unknown; ratio?: unknown; remaining?: unknown } } | null)?.budget;
  if (budget?.kind === 'ratio') return ` at ratio ${budget.ratio}`;
  return budget?.kind === undefined ? '' : ` with the budget ${budget.kind}=${budget.remaining}`;
}
