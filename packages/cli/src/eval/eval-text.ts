import type { EvaluatedMetric, Evaluation, OutputError } from '@secateur/metrics';
import { count } from '../terminal/numbers.js';
import { left, right, table } from '../terminal/table.js';

/** The numbers as tables: model, dense model beside it, and what they rest on. */
export function evaluationText(evaluation: Evaluation): string {
  const { model, reference, metrics, referenceMetrics = {}, outputErrors, settings } = evaluation;
  const parts: string[] = [];
  const names = Object.keys(metrics);
  if (names.length > 0) {
    const dense = Object.keys(referenceMetrics).length > 0 ? [right(`${reference} (dense)`)] : [];
    const rows = names.map((name) => {
      const found = metrics[name]!;
      const { label, higherIsBetter } = found;
      const beside = dense.length > 0 ? [cell(referenceMetrics[name])] : [];
      return [label, higherIsBetter ? 'higher' : 'lower', cell(found), ...beside, countsOf(found)];
    });
    parts.push(table([left('metric'), left('better'), right(model), ...dense, left('from')], rows));
  }
  if (outputErrors) parts.push(errorsText(outputErrors));
  const { sampler, steps, seed, engine } = settings;
  const drawn = sampler === undefined ? '' : `${count(settings.count)} pictures, ${sampler}, ${steps} steps, `;
  parts.push(`${drawn}seed ${seed}; ${engine}`);
  return parts.join('\n\n');
}

function cell(found: EvaluatedMetric | undefined): string {
  if (!found) return '';
  const spread = found.spread === undefined ? '' : ` ± ${found.spread.toPrecision(2)}`;
  return `${Number.isFinite(found.value) ? found.value.toPrecision(5) : '∞'}${spread}`;
}

function countsOf({ count: { actual, reference } }: EvaluatedMetric): string {
  return actual === reference ? count(actual) : `${count(actual)}, ${count(reference)} real`;
}

function errorsText(errors: readonly OutputError[]): string {
  const columns = [right('timestep'), right('output error'), right('relative'), right('dense loss'), right('loss')];
  const number = (value: number) => value.toPrecision(4);
  const rows = errors.map(({ timestep, mse, relative, denseLoss, prunedLoss }) => [
    String(timestep),
    ...[mse, relative, denseLoss, prunedLoss].map(number),
  ]);
  return table(columns, rows);
}
