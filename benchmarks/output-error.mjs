/**
 * Output error of the zoo DDPM at MACs −44 %, without fine-tuning: random, magnitude, Taylor and Diff-Pruning, three seeds.
 *
 * The error at a timestep is the mean squared difference between the pruned and the dense prediction over held-out test
 * images, divided by the mean square of the dense prediction. Calibration and evaluation images do not overlap; the seed
 * chooses the calibration images and all noise.
 *
 *   npm run build && node benchmarks/output-error.mjs [--out benchmarks/results/output-error.json]
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { magnitude, random, taylor } from '@secateur/baselines';
import { parseBudget, prune, structured } from '@secateur/core';
import { nodeFolder } from '@secateur/core/node';
import { diffPruning } from '@secateur/diff-pruning';
import { diffusersFormat } from '@secateur/diffusers';
import { nodeEngine } from '@secateur/runtime/node';
import { calibration, createSampler } from '@secateur/samplers';
import { zooImages, zooPath } from '@secateur/zoo/node';

const { values } = parseArgs({ options: { out: { type: 'string' }, samples: { type: 'string', default: '8' } } });
const timesteps = [50, 200, 500];
const seeds = [0, 1, 2];
const evaluated = 64;
const calibrated = Number(values.samples);

const model = await diffusersFormat.load({ folder: await nodeFolder(zooPath('fashion-ddpm-32')) });
const engine = await nodeEngine({ threads: 2 });
const sampler = createSampler(model.scheduler);
const methods = {
  random: () => structured({ criterion: random() }),
  magnitude: () => structured({ criterion: magnitude() }),
  'taylor, all timesteps': () => structured({ criterion: taylor(), timestepsPerRun: 4 }),
  'diff-pruning, threshold 0.05': () => diffPruning({ timestepsPerRun: 4 }),
};

async function predictions(candidate, data) {
  const executable = await engine.compile(candidate.graph);
  const outputs = new Map();
  for (const t of timesteps) {
    const parts = [];
    for await (const batch of data.batches({ timesteps: [t], batchSize: 16 })) {
      parts.push((await executable.run(batch.feeds)).out.data);
    }
    outputs.set(t, Float32Array.from(parts.flatMap((part) => [...part])));
  }
  await executable.dispose();
  return outputs;
}

const rows = [];
for (const seed of seeds) {
  const held = calibration({
    images: await zooImages({ count: evaluated, offset: 5000 }),
    noise: 1000 + seed,
    sampler,
  });
  const dense = await predictions(model, held);
  const data = calibration({
    images: await zooImages({ count: calibrated, offset: 100 * seed }),
    noise: seed,
    sampler,
  });
  for (const [name, make] of Object.entries(methods)) {
    const result = await prune(model, {
      method: make(),
      budget: parseBudget('macs=0.56'),
      data,
      engine,
      latency: false,
      seed,
    });
    const pruned = await predictions(result.model, held);
    const errors = timesteps.map((t) => {
      let difference = 0;
      let size = 0;
      dense.get(t).forEach((value, i) => {
        difference += (value - pruned.get(t)[i]) ** 2;
        size += value ** 2;
      });
      return difference / size;
    });
    const macs = result.report.after.macs / result.report.before.macs;
    rows.push({ method: name, seed, macs, stoppedAt: result.report.stoppedAt ?? null, errors });
    console.error(`seed ${seed} ${name}: macs ${macs.toFixed(4)} errors ${errors.map((e) => e.toFixed(4)).join(' ')}`);
  }
}

const table = Object.keys(methods).map((method) => {
  const mine = rows.filter((row) => row.method === method);
  return { method, mean: timesteps.map((_, i) => mine.reduce((sum, row) => sum + row.errors[i], 0) / mine.length) };
});
console.table(
  table.map(({ method, mean }) => ({
    method,
    ...Object.fromEntries(timesteps.map((t, i) => [`t=${t}`, mean[i].toFixed(4)])),
  })),
);
if (values.out) {
  const setup = {
    model: 'fashion-ddpm-32',
    budget: 'macs=0.56',
    calibrationImages: calibrated,
    evaluationImages: evaluated,
    timesteps,
    seeds,
  };
  await writeFile(values.out, `${JSON.stringify({ setup, rows, table }, null, 2)}\n`);
}
