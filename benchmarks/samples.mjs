/**
 * The picture of the README: samples of the bundled DDPM from the same noise, dense and after Diff-Pruning at shrinking MAC
 * budgets, without fine-tuning. One row per budget.
 *
 *   npm run build && node benchmarks/samples.mjs [--out docs/images/samples.png]
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import {
  createPipeline,
  diffPruning,
  encodePng,
  loadImages,
  loadModel,
  nodeEngine,
  parseBudget,
  prune,
  samplerNamed,
} from 'secateur';

const { values } = parseArgs({ options: { out: { type: 'string', default: 'docs/images/samples.png' } } });
const budgets = ['macs=0.9', 'macs=0.75', 'macs=0.56'];
const columns = 10;
const scale = 3;

/** Every pixel as a square, so that pictures of 32 pixels are seen sharp. */
function enlarged({ width, height, channels, data, ...rest }) {
  const out = new Uint8Array(width * height * channels * scale * scale);
  for (let y = 0; y < height * scale; y++) {
    for (let x = 0; x < width * scale; x++) {
      const from = (Math.floor(y / scale) * width + Math.floor(x / scale)) * channels;
      for (let c = 0; c < channels; c++) out[(y * width * scale + x) * channels + c] = data[from + c];
    }
  }
  return { ...rest, width: width * scale, height: height * scale, channels, data: out };
}

const model = await loadModel('zoo:fashion-ddpm-32');
const engine = await nodeEngine({ threads: 2 });
const data = await loadImages(model, 'zoo:fashion-mnist', { samples: 8 });
const bitmaps = [];
async function sample(candidate, label) {
  const pipe = await createPipeline(candidate, { engine, sampler: samplerNamed('ddim', model.scheduler) });
  const { images } = await pipe({ count: columns, steps: 50, seed: 0 });
  await pipe.dispose();
  bitmaps.push(...images.map(enlarged));
  console.log(label);
}

await sample(model, 'dense');
for (const budget of budgets) {
  const method = diffPruning({ timestepsPerRun: 4 });
  const { model: pruned, report } = await prune(model, {
    method,
    budget: parseBudget(budget),
    data,
    engine,
    latency: false,
  });
  const share = (after, before) => `${((100 * after) / before).toFixed(1)} %`;
  await sample(
    pruned,
    `${budget}: ${share(report.after.macs, report.before.macs)} of the MACs, ${share(report.after.parameters, report.before.parameters)} of the parameters`,
  );
}
await writeFile(values.out, encodePng(bitmaps, { columns, gap: 6 }));
