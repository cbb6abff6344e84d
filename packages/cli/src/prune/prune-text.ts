import type { Measured, PruneReport, PruneResult } from '@secateur/core';
import { fileList } from '../terminal/file-list.js';
import { bytes, change, count, macs, milliseconds, percent } from '../terminal/numbers.js';
import { left, right, table } from '../terminal/table.js';

/** Costs before and after, one row each. */
export function costTable({ before, after }: Pick<PruneReport, 'before' | 'after'>): string {
  const row = (title: string, value: (cost: Measured) => number, text: (n: number) => string) => [
    title,
    text(value(before)),
    text(value(after)),
    change(value(before), value(after)),
  ];
  const rows = [
    row('parameters', (cost) => cost.parameters, count),
    row(
      'MACs',
      (cost) => cost.macs,
      (n) => `${count(n)} (${macs(n)})`,
    ),
    row(
      'bytes',
      (cost) => cost.bytes,
      (n) => `${count(n)} (${bytes(n)})`,
    ),
  ];
  if (before.latency && after.latency) rows.push(row('latency', (cost) => cost.latency?.medianMs ?? 0, milliseconds));
  return table([left(''), right('before'), right('after'), right('change')], rows);
}

export function pruneText(result: PruneResult, out: string, files: readonly string[]): string {
  const lines = [headline(result), '', costTable(result.report)];
  lines.push('', ...sparsityLines(result.report), ...wholeLines(result.report), '');
  lines.push(fileList(out, files));
  return lines.join('\n');
}

export function dryRunText(result: PruneResult): string {
  const { groups } = result.report;
  const rows = groups
    .filter(({ kept, size }) => kept < size)
    .map(({ id, kind, size, kept, tensors }) => [
      id,
      kind,
      count(size),
      count(kept),
      change(size, kept),
      count(tensors.length),
    ]);
  const columns = [left('group'), left('kind'), right('units'), right('kept'), right(''), right('tensors')];
  const parts = [
    headline(result),
    '',
    costTable(result.report),
    '',
    ...sparsityLines(result.report),
    ...wholeLines(result.report),
  ];
  if (rows.length > 0) parts.push('', table(columns, rows));
  parts.push('', 'Dry run: nothing was written.');
  return parts.join('\n');
}

function headline({ report }: PruneResult): string {
  const { model, method, criterion, selector, space, normGroups, stoppedAt } = report;
  const parts = [`criterion ${criterion}`, `selector ${selector}`, `space ${space}`];
  if (normGroups) parts.push(`norm groups ${normGroups}`);
  if (stoppedAt !== undefined) parts.push(`sweep stopped at timestep ${stoppedAt}`);
  return `${model} by ${method.name}: ${parts.join(', ')}`;
}

function sparsityLines({ sparsity }: PruneReport): string[] {
  const shares = Object.values(sparsity ?? {});
  if (shares.length === 0) return [];
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  return [`${count(shares.length)} weight tensors masked, ${percent(mean)} zeros on average.`];
}

function wholeLines({ groups, notPruned, coverage }: PruneReport): string[] {
  const whole = notPruned.filter(({ reason }) => reason.startsWith('group left whole')).length;
  const cut = groups.filter(({ kept, size }) => kept < size).length;
  return [
    `${count(cut)} of ${count(groups.length)} groups cut, ${count(whole)} left whole; ${percent(coverage)} of the parameters lie in groups.`,
  ];
}
