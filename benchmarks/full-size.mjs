/**
 * Does a model of Stable Diffusion 1.5's shape (860 million random parameters, float32) fit? One forward run, one gradient of
 * all weights, and physical channel pruning by magnitude at ratio 0.3 from checkpoint to checkpoint, each in a process of
 * its own: time and peak memory.
 *
 *   npm run build && node benchmarks/full-size.mjs --model DIR --scratch DIR [--step forward|gradient|prune]
 *     [--latent 64] [--gradient-latent 32] [--threads 2] [--out benchmarks/results/full-size.json]
 *
 * The checkpoint is made in `--model` where it does not exist. Weights are mapped from it where onnxruntime can: mapped pages
 * count as resident, and the system may take them back; `anonymous` is what it may not.
 */
import { existsSync, rmSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { collectStatistics, gradients, sampleFeeds } from '@secateur/core';
import { nodeFolder } from '@secateur/core/node';
import { diffusersFormat } from '@secateur/diffusers';
import { nodeEngine } from '@secateur/runtime/node';
import { machine, measuredProcess, residentMb } from './measured-process.mjs';

const options = {
  model: { type: 'string' },
  scratch: { type: 'string' },
  step: { type: 'string' },
  latent: { type: 'string', default: '64' },
  'gradient-latent': { type: 'string', default: '32' },
  threads: { type: 'string', default: '2' },
  inside: { type: 'boolean', default: false },
  out: { type: 'string' },
};
const { values } = parseArgs({ options });
if (!values.model || !values.scratch) throw new Error('Say --model DIR and --scratch DIR.');
const cli = fileURLToPath(new URL('../packages/cli/dist/bin.js', import.meta.url));
const config = fileURLToPath(new URL('../packages/testkit/fixtures/configs/sd-v1-5/config.json', import.meta.url));
const threads = Number(values.threads);

/** What a step's own process does. */
const inside = {
  async forward() {
    const { model, engine, feeds } = await open(Number(values.latent));
    const executable = await engine.compile(model.graph);
    const loaded = residentMb();
    const start = performance.now();
    await executable.run(feeds);
    return { runSeconds: (performance.now() - start) / 1000, loadedMb: loaded, afterMb: residentMb() };
  },
  async gradient() {
    const { model, engine, feeds } = await open(Number(values['gradient-latent']));
    const [output] = model.graph.outputs;
    const target = {
      dtype: output.dtype,
      shape: feeds.sample.shape,
      data: feeds.sample.data.map((_, i) => Math.sin(i)),
    };
    const batch = { feeds, target, timesteps: [500], weight: 1 };
    const data = {
      samples: 1,
      timesteps: 1000,
      describe: async () => null,
      batches: async function* () {
        yield batch;
      },
    };
    const start = performance.now();
    const { gradients: sums } = await collectStatistics({
      model,
      engine,
      data,
      needs: [gradients({ accumulate: 'sum' })],
      timesteps: [500],
    });
    let elements = 0;
    for (const sum of sums.values()) elements += sum.length;
    return { runSeconds: (performance.now() - start) / 1000, gradients: sums.size, elements, afterMb: residentMb() };
  },
};

async function open(latent) {
  const model = await diffusersFormat.load({ folder: await nodeFolder(values.model) });
  const engine = await nodeEngine({ threads });
  const feeds = sampleFeeds({ ...model, sizes: { ...model.sizes, height: latent, width: latent } });
  // Any numbers that are not all equal: zeros would be normalised to nothing.
  for (const { dtype, data } of Object.values(feeds))
    if (dtype === 'float32') for (let i = 0; i < data.length; i++) data[i] = Math.sin(0.37 * i);
  return { model, engine, feeds };
}

if (values.inside) {
  console.log(JSON.stringify(await inside[values.step]()));
} else {
  if (!existsSync(values.model)) await measuredProcess([cli, 'init', config, '--out', values.model, '--quiet']);
  const out = join(values.scratch, 'pruned');
  const self = fileURLToPath(import.meta.url);
  const bytes = statSync(join(values.model, 'diffusion_pytorch_model.safetensors')).size;
  const results = {};
  for (const step of values.step ? [values.step] : ['forward', 'gradient', 'prune']) {
    rmSync(out, { recursive: true, force: true });
    const args =
      step === 'prune'
        ? [
            cli,
            'prune',
            values.model,
            '--method',
            'magnitude',
            '--ratio',
            '0.3',
            '--out',
            out,
            '--no-latency',
            '--no-pictures',
            '--quiet',
            '--json',
          ]
        : [
            self,
            ...process.argv.slice(2).filter((word) => word !== '--step' && word !== step),
            '--step',
            step,
            '--inside',
          ];
    const { seconds, peakMb, stdout } = await measuredProcess(args);
    const told = JSON.parse(stdout);
    results[step] = {
      seconds,
      peakMb,
      peakOverWeights: (peakMb * 2 ** 20) / bytes,
      ...(step === 'prune'
        ? { before: told.before, after: told.after }
        : { ...told, latent: Number(values[step === 'forward' ? 'latent' : 'gradient-latent']) }),
    };
    console.log(step, results[step]);
  }
  rmSync(out, { recursive: true, force: true });
  const setup = { model: 'sd-v1-5 shape, random float32 weights', bytes, batch: 1, threads, ...machine() };
  if (values.out) await writeFile(values.out, `${JSON.stringify({ setup, results }, null, 2)}\n`);
}
