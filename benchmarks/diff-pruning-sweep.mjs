/**
 * Does scoring keep up with PyTorch? Diff-Pruning's sweep on ddpm-cifar10-32 with random weights: gradients of the denoising
 * loss summed over timesteps, one batch of seeded images and one draw of noise. Secateur's time is that of the public path
 * (`collectStatistics`) after compiling and one warm-up run; with `--python` rounds alternate with the reference loop in
 * PyTorch (`tools/reference/diff_pruning_sweep.py`), a process of its own each round, measured likewise.
 *
 *   npm run build && node benchmarks/diff-pruning-sweep.mjs [--timesteps 100] [--batch 8] [--timesteps-per-run 1]
 *     [--threads 2] [--rounds 3] [--python PYTHON] [--out benchmarks/results/diff-pruning-sweep.json]
 */
import { readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { collectStatistics, gradients } from '@secateur/core';
import { modelFromWeights, randomWeights } from '@secateur/diffusers';
import { couple } from '@secateur/graph';
import { nodeEngine } from '@secateur/runtime/node';
import { calibration, samplerNamed, torchGenerator } from '@secateur/samplers';
import { median } from './measured-process.mjs';
import { runReference, secondsInTurn } from './python.mjs';

const { values } = parseArgs({
  options: {
    timesteps: { type: 'string', default: '100' },
    batch: { type: 'string', default: '8' },
    'timesteps-per-run': { type: 'string', default: '1' },
    threads: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
    python: { type: 'string' },
    out: { type: 'string' },
  },
});
const timesteps = Number(values.timesteps);
const batch = Number(values.batch);
const perRun = Number(values['timesteps-per-run']);
const threads = Number(values.threads);
const rounds = Number(values.rounds);

const configPath = fileURLToPath(
  new URL('../packages/testkit/fixtures/configs/ddpm-cifar10-32/config.json', import.meta.url),
);
const config = JSON.parse(await readFile(configPath, 'utf8'));
const model = modelFromWeights('ddpm-cifar10-32', config, randomWeights(config, 1));
const coupling = couple(model.graph);
const engine = await nodeEngine({ threads });
const shape = [batch, config.in_channels, config.sample_size, config.sample_size];
const data = calibration({
  images: torchGenerator(0).rand(shape),
  noise: 1,
  sampler: samplerNamed('ddpm'),
  source: 'uniform noise, seed 0',
});

/** Seconds of the sweep: from the end of one warm-up run to the last sum. */
async function secateurSeconds() {
  let started;
  let ended;
  const { losses } = await collectStatistics({
    model,
    coupling,
    needs: [gradients()],
    engine,
    data,
    threads,
    timesteps: [...Array(perRun).fill(0), ...Array(timesteps).keys()],
    timestepsPerRun: perRun,
    onProgress({ done, total }) {
      const now = performance.now();
      if (done >= perRun) started ??= now;
      if (done === total) ended = now;
    },
  });
  if (losses.length !== timesteps + perRun) throw new Error(`${losses.length} losses for ${timesteps} timesteps.`);
  return (ended - started) / 1000;
}

function pytorchSeconds() {
  return runReference(values.python, 'diff_pruning_sweep.py', [
    configPath,
    ...['--timesteps', timesteps, '--batch', batch, '--threads', threads],
  ]);
}

const { times, versions } = await secondsInTurn({
  rounds,
  ours: secateurSeconds,
  theirs: values.python && pytorchSeconds,
  name: 'pytorch',
});
const result = {
  what: "Diff-Pruning's sweep on ddpm-cifar10-32, random weights; seconds without set-up and warm-up, median of rounds",
  timesteps,
  batch,
  timestepsPerRun: perRun,
  threads,
  rounds,
  secateurSeconds: median(times.secateur),
  ...(values.python && {
    pytorchSeconds: median(times.pytorch),
    ratio: median(times.secateur) / median(times.pytorch),
  }),
  all: times,
  // Above the number of threads, something else was running.
  loadAverage: loadavg()[0],
  cores: cpus().length,
  cpu: cpus()[0].model,
  versions: { node: process.versions.node, engine: await engine.describe(), ...versions },
};
console.log(JSON.stringify(result, null, 2));
if (values.out) await writeFile(values.out, `${JSON.stringify(result, null, 2)}\n`);
