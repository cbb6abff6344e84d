import type { TrainReport } from '@secateur/train';
import { fileList } from '../terminal/file-list.js';
import { count } from '../terminal/numbers.js';
import { left, right, table } from '../terminal/table.js';

export function trainText(model: string, report: TrainReport, out: string, files: readonly string[]): string {
  const { terms, losses, trained, measured } = report;
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
    '',
    fileList(out, files),
  ].join('\n');
}

/** A twentieth of the steps: single ones depend on the timesteps drawn. */
function share(losses: readonly number[]): number {
  return Math.max(1, Math.floor(losses.length / 20));
}

function mean(losses: readonly number[]): string {
  return (losses.reduce((sum, loss) => sum + loss, 0) / losses.length).toPrecision(4);
}
