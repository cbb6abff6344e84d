/**
 * Does drawing keep up with diffusers? 1,000 pictures of the zoo's DDPM, DDIM with 50 steps. With `--python` rounds alternate with
 * diffusers' own pipeline (`tools/reference/sampling_time.py`), a process of its own each round. Fewer pictures (`--images`) are
 * enough: the time of 1,000 is worked out from theirs, and the result says so.
 *
 *   npm run build && node benchmarks/sampling-time.mjs [--images 1000] [--steps 50] [--batch 32] [--threads 2] [--rounds 3]
 *     [--clock wall|cpu] [--python PYTHON] [--out benchmarks/results/sampling-time.json]
 *
 * On a machine that is busy with other work `--clock cpu --threads 1` compares what the two processes used of the processor.
 */
import { writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { nodeEngine } from '@secateur/runtime/node';
import { zooPath } from '@secateur/zoo/node';
import { createPipeline, loadModel } from 'secateur';
import { clockOf } from './clock.mjs';
import { median } from './measured-process.mjs';
import { runReference, secondsInTurn } from './python.mjs';

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '1000' },
    steps: { type: 'string', default: '50' },
    batch: { type: 'string', default: '32' },
    threads: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
    clock: { type: 'string', default: 'wall' },
    python: { type: 'string' },
    out: { type: 'string' },
  },
});
const [images, steps, batch, threads, rounds] = ['images', 'steps', 'batch', 'threads', 'rounds'].map((name) =>
  Number(values[name]),
);

const now = clockOf(values.clock);
const model = await loadModel('zoo:fashion-ddpm-32');
const engine = await nodeEngine({ threads });
const pipeline = await createPipeline(model, { engine, threads, sampler: 'ddim' });

async function secateurSeconds() {
  await pipeline({ count: Math.min(batch, images), steps: 1, seed: 0, batchSize: batch });
  const started = now();
  await pipeline({ count: images, steps, seed: 0, batchSize: batch });
  return now() - started;
}

function diffusersSeconds() {
  return runReference(values.python, 'sampling_time.py', [
    join(zooPath('fashion-ddpm-32'), 'unet'),
    ...['--images', images, '--steps', steps, '--batch', batch, '--threads', threads, '--clock', values.clock],
  ]);
}

const { times: all, versions } = await secondsInTurn({
  rounds,
  ours: secateurSeconds,
  theirs: values.python && diffusersSeconds,
  name: 'diffusers',
});
await pipeline.dispose();

const result = {
  what: `Drawing 1,000 pictures of the zoo's DDPM, DDIM with ${steps} steps${images === 1000 ? '' : `, worked out from ${images}`}; median of rounds`,
  images,
  steps,
  batch,
  threads,
  clock: values.clock,
  rounds,
  secateurSecondsFor1000: (median(all.secateur) * 1000) / images,
  ...(values.python && {
    diffusersSecondsFor1000: (median(all.diffusers) * 1000) / images,
    ratio: median(all.secateur) / median(all.diffusers),
    ratioOfFastest: Math.min(...all.secateur) / Math.min(...all.diffusers),
  }),
  all,
  // Above the number of threads, something else was running.
  loadAverage: loadavg()[0],
  cores: cpus().length,
  cpu: cpus()[0].model,
  versions: { node: process.versions.node, engine: await engine.describe(), ...versions },
};
console.log(JSON.stringify(result, null, 2));
if (values.out) await writeFile(values.out, `${JSON.stringify(result, null, 2)}\n`);
