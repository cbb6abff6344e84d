/**
 * Does it stream? Weight-only pruning and conversion of a checkpoint of SDXL's shape (2.57 billion random parameters) by the
 * built command, against `cp` of the same file: wall and user time, peak resident memory of the process, and which part of
 * `cp`'s speed it has (`README.md` says what every number means). Prints the medians.
 *
 *   npm run build && node benchmarks/streaming.mjs --model DIR --scratch DIR [--dtype fp16] [--rounds 3] [--only NAME]
 *     [--out benchmarks/results/streaming-fp16.json]
 *
 * The checkpoint is made in `--model` where it does not exist. Commands take turns with `cp`. Before each the source is read
 * once, so that it is in the system's cache as far as it fits, and everything written before is on the disk. Our command ends
 * when its bytes are on the disk; `cp` does not wait for them, so both its own time and the time with `sync` are given.
 * Needs twice the checkpoint's size (fp16 5.1 GB, fp32 10.3 GB; `to fp32` another 10.3 GB) of disk.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machine, measuredProcess, spread } from './measured-process.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    scratch: { type: 'string' },
    dtype: { type: 'string', default: 'fp16' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    out: { type: 'string' },
  },
});
if (!values.model || !values.scratch) throw new Error('Say --model DIR and --scratch DIR.');
const cli = fileURLToPath(new URL('../packages/cli/dist/bin.js', import.meta.url));
const config = fileURLToPath(new URL('../packages/testkit/fixtures/configs/sdxl-base/config.json', import.meta.url));
const weights = join(values.model, 'diffusion_pytorch_model.safetensors');
const out = join(values.scratch, 'out');
const copied = join(values.scratch, 'copied.safetensors');
const other = values.dtype === 'fp16' ? 'fp32' : 'fp16';

const prune = (...flags) => ['prune', values.model, '--out', out, '--no-latency', '--no-pictures', '--quiet', ...flags];
const commands = {
  'magnitude 2:4': prune('--method', 'magnitude', '--space', '2:4'),
  'magnitude 50 %, every tensor': prune('--method', 'magnitude', '--space', 'elements', '--ratio', '0.5'),
  'magnitude 50 %, global': prune(
    '--method',
    'magnitude',
    '--space',
    'elements',
    '--ratio',
    '0.5',
    '--selector',
    'global',
  ),
  'random 2:4': prune('--method', 'random', '--space', '2:4'),
  [`to ${other}`]: ['convert', values.model, out, '--dtype', other, '--quiet'],
  'to ONNX': ['convert', values.model, out, '--to', 'onnx', '--quiet'],
};

if (!existsSync(values.model)) {
  const dtype = values.dtype === 'fp32' ? [] : ['--dtype', values.dtype];
  await measuredProcess([cli, 'init', config, '--out', values.model, '--quiet', ...dtype]);
}

/** Seconds. */
function timed(work) {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

function settle() {
  for (const path of [out, copied]) rmSync(path, { recursive: true, force: true });
  execFileSync('sync');
  execFileSync('sh', ['-c', 'exec cat "$0" >/dev/null', weights]);
}

const rounds = {};
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [name, args] of Object.entries(commands)) {
    if (values.only && !name.includes(values.only)) continue;
    settle();
    const cp = timed(() => execFileSync('cp', [weights, copied]));
    const cpOnDisk = cp + timed(() => execFileSync('sync', [copied]));
    settle();
    const { seconds, cpuSeconds, peakMb } = await measuredProcess([cli, ...args]);
    rounds[name] ??= [];
    rounds[name].push({ seconds, cpuSeconds, peakMb, cp, cpOnDisk });
    console.log(name, rounds[name].at(-1));
  }
}
for (const path of [out, copied]) rmSync(path, { recursive: true, force: true });

const results = Object.entries(rounds).map(([name, runs]) => ({
  command: name,
  seconds: spread(runs.map((run) => run.seconds)),
  cpuSeconds: spread(runs.map((run) => run.cpuSeconds)),
  peakMb: spread(runs.map((run) => run.peakMb)),
  cpSeconds: spread(runs.map((run) => run.cp)),
  cpOnDiskSeconds: spread(runs.map((run) => run.cpOnDisk)),
  speedOfCp: spread(runs.map((run) => run.cp / run.seconds)),
  speedOfCpOnDisk: spread(runs.map((run) => run.cpOnDisk / run.seconds)),
}));
const setup = { model: 'sdxl-base shape, random weights', dtype: values.dtype, bytes: statSync(weights).size };
const result = { setup: { ...setup, ...machine() }, results };
console.table(
  Object.fromEntries(
    results.map(({ command, ...measured }) => [
      command,
      Object.fromEntries(Object.entries(measured).map(([name, { median }]) => [name, Number(median.toPrecision(3))])),
    ]),
  ),
);
if (values.out) await writeFile(values.out, `${JSON.stringify(result, null, 2)}\n`);
