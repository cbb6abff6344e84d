/**
 * The results of a league as a page.
 *
 *   node benchmarks/league/render.mjs DIR [--out docs/league.md]
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { allCells, idOf, isMandatory } from './cells.mjs';
import { claims } from './claims.mjs';
import { engineNames } from './latency.mjs';
import { readResults } from './results.mjs';

export async function renderLeague(folder) {
  const results = await readResults(folder);
  if (results.length === 0) throw new Error(`${folder} holds no results.`);
  const latencies = new Map((await readResults(folder, 'latency')).map((found) => [idOf(found), found.engines]));
  const models = [...new Set(results.map(({ model }) => model))].sort();
  return [
    '# The league',
    '',
    'All methods at equal MACs and equal fine-tuning budgets, by `node benchmarks/league/league.mjs`; this page is made from its',
    'results by `node benchmarks/league/render.mjs`. Numbers of different models do not compare.',
    '',
    ...protocolText(results[0].protocol),
    '',
    ...models.flatMap((model) => modelTables(model, results, latencies)),
    ...claimsText(claims(results)),
    ...cellsText(results, models),
    '',
  ].join('\n');
}

function protocolText({ calibration, finetune, judging }) {
  const { learningRate } = finetune;
  return [
    `**Protocol.** Calibration: ${calibration.images} images at ${calibration.timesteps} timesteps. Fine-tuning: batches of ${finetune.batch} from ${finetune.images} test`,
    `images of Fashion-MNIST that are not judged by, AdamW, peak learning rate ${learningRate.peak} (${learningRate.schedule}, ${learningRate.warmup} steps of warm-up), EMA ${finetune.ema}, the`,
    'denoising loss unless the method has a training of its own; nothing was tuned for any method. Judged: ' +
      `${judging.count} pictures,`,
    `${judging.sampler.toUpperCase()} with ${judging.steps} steps, against ${judging.images} other test images through the features of \`${judging.features}\`; SSIM to the dense model's`,
    'pictures from the same noise; output error: mean squared distance of the outputs over the mean square of the dense one, mean',
    `of ${judging.outputError.timesteps} timesteps on ${judging.outputError.images} images. KID is the number to rank by: at these counts the Fréchet distance is biased upwards, for all alike.`,
    'MACs and bytes of 2:4 leave zeros out (values and one bit for each place); stock dense engines gain nothing from them.',
  ];
}

function modelTables(model, results, latencies) {
  const mine = results.filter((cell) => cell.model === model);
  const dense = mine.find((cell) => cell.method === 'dense');
  const groups = new Map();
  for (const cell of mine) {
    const key = `${cell.budget} ${cell.steps} ${cell.method}`;
    groups.set(key, [...(groups.get(key) ?? []), cell]);
  }
  const rows = [...groups.values()]
    .map((cells) => rowOf(cells, latencies))
    .sort((a, b) => a.order.localeCompare(b.order) || a.kid - b.kid);
  const head = [
    'method',
    'budget',
    'steps',
    'seeds',
    'MACs',
    'parameters',
    'bytes',
    'KID',
    'Fréchet',
    'SSIM',
    'output error',
    ...engineNames.map((name) => `latency ${name}`),
    'prune, tune, draw',
  ];
  return [
    `## ${model}`,
    '',
    dense
      ? `Dense: ${(dense.cost.macs / 1e6).toFixed(0)} M MACs, ${(dense.cost.parameters / 1e6).toFixed(2)} M parameters, ${(dense.cost.bytes / 1e6).toFixed(1)} MB.`
      : 'The dense model was not run.',
    '',
    line(head),
    line(head.map((_, i) => (i < 2 ? '---' : '---:'))),
    ...rows.map(({ cells }) => line(cells)),
    '',
  ];
}

function rowOf(cells, latencies) {
  const [{ method, budget, steps, cost, denseCost }] = cells;
  const kid = mean(cells.map(({ quality }) => quality.kid.value));
  const over = (values, digits = 3) => {
    const all = cells.map(values);
    const middle = mean(all).toPrecision(digits);
    return all.length === 1 ? middle : `${middle} ± ${deviation(all).toPrecision(2)}`;
  };
  const ratio = (name) => {
    const found = cells.map((cell) => latencies.get(idOf(cell))?.[name]).filter(Boolean);
    if (found.length === 0) return '–';
    return method === 'dense'
      ? `${mean(found.map(({ denseMs }) => denseMs)).toPrecision(3)} ms`
      : `${mean(found.map((one) => one.ratio)).toFixed(2)} ×`;
  };
  const spread = cells.length === 1 && cells[0].quality.kid.spread !== undefined;
  return {
    order: `${budget === 'none' ? '' : budget} ${String(steps).padStart(5)}`,
    kid,
    cells: [
      method,
      budget,
      String(steps),
      cells.map(({ seed }) => seed).join(', '),
      percent(cost.macs / denseCost.macs),
      percent(cost.parameters / denseCost.parameters),
      percent(cost.bytes / denseCost.bytes),
      over(({ quality }) => quality.kid.value) + (spread ? ` (${cells[0].quality.kid.spread.toPrecision(2)})` : ''),
      over(({ quality }) => quality.fd.value),
      over(({ quality }) => quality.ssim.value),
      over(({ quality }) => mean(quality.outputErrors.map(({ relative }) => relative))),
      ...engineNames.map(ratio),
      minutes(cells[0].seconds),
    ],
  };
}

function claimsText(found) {
  if (found.length === 0) return [];
  return [
    '## Published orderings, tested',
    '',
    line(['model', 'claim', 'here', 'numbers']),
    line(['---', '---', '---', '---']),
    ...found.map(({ model, sentence, holds, numbers }) =>
      line([model, sentence, holds ? 'holds' : '**does not hold**', numbers]),
    ),
    '',
  ];
}

function cellsText(results, models) {
  const cells = allCells(models);
  const done = new Set(results.map(idOf));
  const missing = cells.filter((cell) => isMandatory(cell) && !done.has(idOf(cell)));
  const [{ engine }] = results;
  return [
    '## Which cells were run',
    '',
    `${done.size} of ${cells.length} cells; of the mandatory ones ${missing.length === 0 ? 'all' : `all but ${missing.length}, listed below`}. With ${engine}. In parentheses after`,
    'KID its standard deviation over subsets; ± over seeds. Minutes are those of this machine beside other work; latencies, where',
    'there are any, are of one thread, one picture, dense and pruned in turn on a quiet machine.',
    ...(missing.length > 0 ? ['', ...missing.map((cell) => `- \`${idOf(cell)}\``)] : []),
  ];
}

const line = (cells) => `| ${cells.join(' | ')} |`;
const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const minutes = ({ prune, finetune, draw }) =>
  `${[prune, finetune, draw].map((seconds) => (seconds === null ? '–' : (seconds / 60).toFixed(1))).join(', ')} min`;

function deviation(numbers) {
  const middle = mean(numbers);
  return Math.sqrt(numbers.reduce((sum, number) => sum + (number - middle) ** 2, 0) / (numbers.length - 1));
}

if (process.argv[1]?.endsWith('render.mjs')) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { out: { type: 'string', default: 'docs/league.md' } },
  });
  await writeFile(values.out, await renderLeague(positionals[0]));
  console.log(values.out);
}
