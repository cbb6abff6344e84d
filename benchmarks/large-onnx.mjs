/**
 * ONNX above 2 GB: a checkpoint converted by the built command to `model.onnx` with `model.onnx.data` beside it, then loaded,
 * and with `--run` run once on a small latent, by stock onnxruntime-node from its path. Time and peak memory of each.
 *
 *   npm run build && node benchmarks/large-onnx.mjs --model DIR --scratch DIR [--run] [--latent 8] [--level all]
 *     [--out benchmarks/results/large-onnx.json]
 *
 * The checkpoint is made in `--model` where it does not exist: SDXL's shape in float32, 10.3 GB. `--scratch` needs as much.
 * `--level disabled` leaves onnxruntime's graph optimisations out.
 */
import { existsSync, rmSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { sampleFeeds } from '@secateur/core';
import { nodeFile, nodeFolder } from '@secateur/core/node';
import { onnxFormat } from '@secateur/onnx';
import ort from 'onnxruntime-node';
import { machine, measuredProcess, residentMb } from './measured-process.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    scratch: { type: 'string' },
    run: { type: 'boolean', default: false },
    latent: { type: 'string', default: '8' },
    level: { type: 'string', default: 'all' },
    inside: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
});
if (!values.model || !values.scratch) throw new Error('Say --model DIR and --scratch DIR.');
const cli = fileURLToPath(new URL('../packages/cli/dist/bin.js', import.meta.url));
const config = fileURLToPath(new URL('../packages/testkit/fixtures/configs/sdxl-base/config.json', import.meta.url));
const folder = join(values.scratch, 'onnx');
const path = join(folder, 'model.onnx');

async function inside() {
  const start = performance.now();
  const session = await ort.InferenceSession.create(path, { graphOptimizationLevel: values.level });
  const loaded = { loadSeconds: (performance.now() - start) / 1000, loadedMb: residentMb() };
  if (!values.run) return loaded;
  const latent = Number(values.latent);
  const model = await onnxFormat.load({ file: await nodeFile(path), folder: await nodeFolder(folder) });
  const feeds = sampleFeeds({ ...model, sizes: { ...model.sizes, height: latent, width: latent } });
  const given = Object.entries(feeds).map(([name, { dtype, data, shape }]) => [
    name,
    new ort.Tensor(dtype, data, [...shape]),
  ]);
  const begun = performance.now();
  const results = await session.run(Object.fromEntries(given));
  const [output] = Object.values(results);
  const finite = output.data.every((value) => Number.isFinite(value));
  return { ...loaded, runSeconds: (performance.now() - begun) / 1000, afterMb: residentMb(), latent, finite };
}

if (values.inside) {
  console.log(JSON.stringify(await inside()));
} else {
  if (!existsSync(values.model)) await measuredProcess([cli, 'init', config, '--out', values.model, '--quiet']);
  rmSync(folder, { recursive: true, force: true });
  const converted = await measuredProcess([cli, 'convert', values.model, folder, '--to', 'onnx', '--quiet']);
  const bytes = Object.fromEntries(
    ['model.onnx', 'model.onnx.data'].map((file) => [file, statSync(join(folder, file)).size]),
  );
  const self = fileURLToPath(import.meta.url);
  const { seconds, peakMb, stdout } = await measuredProcess([self, ...process.argv.slice(2), '--inside']);
  const result = {
    setup: { bytes, level: values.level, ...machine() },
    convert: { seconds: converted.seconds, peakMb: converted.peakMb },
    load: { seconds, peakMb, ...JSON.parse(stdout) },
  };
  rmSync(folder, { recursive: true, force: true });
  console.log(result);
  if (values.out) await writeFile(values.out, `${JSON.stringify(result, null, 2)}\n`);
}
