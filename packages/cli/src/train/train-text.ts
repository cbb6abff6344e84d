import type { TrainReport } from '@secateur/train';
import { fileList } from '../terminal/file-list.js';
import { count } from '../terminal/numbers.js';
import { left, right, table } from '../terminal/table.js';

export function trainText(model: string, report: TrainReport, out: string, files: readonly string[]): string {
  const { terms, losses, trained, measured, masks, maskFlips = [] } = report;
  const rows = terms.map((term) => [
    term.name,
    String(term.weight),
    mean(term.losses.slice(0, share(term.losses))),
    mean(term.losses.slice(-share(term.losses))),
  ]);
  const columns = [left('loss'), right('weight'), right('at first'), right('at the end')];
  return [
    `${model}: ${count(losses.length)} steps on ${count(trained)} weights, ${measured.imagesPerSecond.toPrecision(3)} images/s`,
    '',
    table(columns, rows),
    ...(masks
      ? [
          '',
          `${masks.name}: ${count(Object.keys(masks.sparsity).length)} weights masked, ${count(masks.dense.length)} dense; ` +
            `bits changed a step: ${percent(maskFlips.slice(1, 1 + share(maskFlips)))} at first, ${percent(maskFlips.slice(-share(maskFlips)))} at the end`,
        ]
      : []),
    '',
    fileList(out, files),
  ].join('\n');
}

/** A twentieth of the steps: single ones depend on the timesteps drawn. */
function share(losses: readonly number[]): number {
  return Math.max(1, Math.floor(losses.length / 20));
}

function percent(shares: readonly number[]): string {
  return shares.length === 0 ? '–' : `${(100 * Number(mean(shares))).toPrecision(2)} %`;
}

function mean(losses: readonly number[]): string {
  return (losses.reduce((sum, loss) => sum + loss, 0) / losses.length).toPrecision(4);
}
