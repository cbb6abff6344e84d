/**
 * Does training keep up with PyTorch? One step on the zoo's DDPM (forward, backward, clipping, AdamW, EMA), as `train` of
 * @secateur/train makes it; the first two steps are not counted. With `--python` rounds alternate with the same loop in PyTorch
 * and diffusers (`tools/reference/train_step_time.py`), a process of its own each round. Also: what masks, clipping, optimiser
 * and average take of a step (with a 2:4 mask rebuilt every step), and how resident memory goes over many steps.
 *
 *   npm run build && node --expose-gc benchmarks/train-step.mjs [--batch 32] [--steps 5] [--threads 2] [--rounds 3]
 *     [--memory-steps 500] [--memory-batch 2] [--clock wall|cpu] [--python PYTHON] [--out benchmarks/results/train-step.json]
 *
 * On a machine that is busy with other work `--clock cpu --threads 1` compares what the two processes used of the processor.
 */
import { writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { nodeEngine } from '@secateur/runtime/node';
import { createSampler } from '@secateur/samplers';
import { nOfMMask, sampleSet, train } from '@secateur/train';
import { zooImages, zooPath } from '@secateur/zoo/node';
import { loadModel } from 'secateur';
import { clockOf } from './clock.mjs';
import { median } from './measured-process.mjs';
import { runReference } from './python.mjs';

const { values } = parseArgs({
  options: {
    batch: { type: 'string', default: '32' },
    steps: { type: 'string', default: '5' },
    threads: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
    'memory-steps': { type: 'string', default: '500' },
    'memory-batch': { type: 'string', default: '2' },
    clock: { type: 'string', default: 'wall' },
    python: { type: 'string' },
    out: { type: 'string' },
  },
});
const [batch, steps, threads, rounds] = ['batch', 'steps', 'threads', 'rounds'].map((name) => Number(values[name]));
const warmUp = 2;
const now = clockOf(values.clock);

const model = await loadModel('zoo:fashion-ddpm-32');
const engine = await nodeEngine({ threads });
const data = sampleSet({ samples: await zooImages({ count: 1000 }) });
const common = { engine, data, threads, sampler: createSampler(model.scheduler), ema: { decay: 0.999 } };

/** Seconds of every counted step by the clock, and the share of all steps' time on the wall that is not the engine's. */
async function secateurSteps(more = {}) {
  const times = [];
  let first = 0;
  let last = 0;
  const { report } = await train(model, {
    ...common,
    ...more,
    batchSize: batch,
    steps: steps + warmUp,
    onProgress() {
      times.push(now());
      last = performance.now() / 1000;
      if (times.length === warmUp) first = last;
    },
  });
  const seconds = times.slice(warmUp).map((time, i) => time - times[warmUp - 1 + i]);
  if (seconds.length !== steps) throw new Error(`${seconds.length} steps were told; they are too short to be timed.`);
  return { seconds, updateShare: (report.measured.updateSeconds * steps) / (steps + warmUp) / (last - first) };
}

function pytorchSteps() {
  return runReference(values.python, 'train_step_time.py', [
    join(zooPath('fashion-ddpm-32'), 'unet/config.json'),
    ...['--batch', batch, '--steps', steps, '--threads', threads, '--clock', values.clock],
  ]);
}

/** Resident memory after collecting garbage, in MB, at ten moments of a long training. */
async function memoryOver(count) {
  const resident = [];
  await train(model, {
    ...common,
    batchSize: Number(values['memory-batch']),
    steps: count,
    mask: nOfMMask({ pattern: '2:4' }),
    onProgress({ done }) {
      if (done % Math.ceil(count / 10) !== 0) return;
      globalThis.gc?.();
      resident.push(Math.round(process.memoryUsage().rss / 1e6));
      console.log(`step ${done}: ${resident.at(-1)} MB`);
    },
  });
  return resident;
}

const all = { secateur: [], pytorch: [] };
const shares = [];
const versions = { node: process.versions.node, engine: await engine.describe() };
for (let round = 0; round < rounds; round++) {
  const { seconds, updateShare } = await secateurSteps();
  all.secateur.push(...seconds);
  shares.push(updateShare);
  if (values.python) {
    const theirs = await pytorchSteps();
    all.pytorch.push(...theirs.seconds);
    Object.assign(versions, theirs.versions);
  }
  const shown = Object.entries(all).filter(([, times]) => times.length > 0);
  console.log(
    `round ${round + 1}: ${shown.map(([name, times]) => `${name} ${median(times).toFixed(2)} s`).join(', ')}`,
  );
}
const masked = await secateurSteps({ mask: nOfMMask({ pattern: '2:4' }) });
const loadAverage = loadavg()[0];
const memorySteps = Number(values['memory-steps']);
const result = {
  what: "A training step on the zoo's DDPM: forward, backward, clipping, AdamW, EMA; median of all steps of all rounds",
  batch,
  threads,
  clock: values.clock,
  rounds,
  stepsPerRound: steps,
  secateurSeconds: median(all.secateur),
  ...(values.python && {
    pytorchSeconds: median(all.pytorch),
    ratio: median(all.secateur) / median(all.pytorch),
    ratioOfFastest: Math.min(...all.secateur) / Math.min(...all.pytorch),
  }),
  updateShare: median(shares),
  updateShareWithMasks: masked.updateShare,
  memory: memorySteps > 0 && { steps: memorySteps, residentMB: await memoryOver(memorySteps) },
  all,
  // Above the number of threads, something else was running.
  loadAverage,
  cores: cpus().length,
  cpu: cpus()[0].model,
  versions,
};
console.log(JSON.stringify(result, null, 2));
if (values.out) await writeFile(values.out, `${JSON.stringify(result, null, 2)}\n`);
