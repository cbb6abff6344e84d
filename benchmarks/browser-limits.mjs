/**
 * How large a model does a browser tab hold? `UNet2DConditionModel` checkpoints of growing width (Stable Diffusion 1.5's
 * configuration with narrower blocks, random weights) are served to headless Chromium, loaded by our own library inside the
 * page by URL ranges, and run once, on onnxruntime-web's WASM and on WebGPU, from float32 and float16 checkpoints.
 *
 *   npm run build && node benchmarks/browser-limits.mjs --scratch DIR [--engines wasm,webgpu] [--dtypes fp32,fp16]
 *     [--widths 64,128,…] [--latent 16] [--timeout 600] [--out benchmarks/results/browser-limits.json]
 *
 * For every engine and dtype widths are tried in order until one fails: the error is in the result. `--scratch` needs the
 * size of the largest checkpoint. WebGPU runs on SwiftShader, in software: its times say nothing, its limits are Chromium's.
 */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { withBrowserPage } from '@secateur/testkit/browser';
import { machine, measuredProcess } from './measured-process.mjs';

const { values } = parseArgs({
  options: {
    scratch: { type: 'string' },
    engines: { type: 'string', default: 'wasm,webgpu' },
    dtypes: { type: 'string', default: 'fp32,fp16' },
    widths: { type: 'string', default: '64,96,128,160,192,224,256,288,320' },
    latent: { type: 'string', default: '16' },
    threads: { type: 'string', default: '2' },
    timeout: { type: 'string', default: '600' },
    out: { type: 'string' },
  },
});
if (!values.scratch) throw new Error('Say --scratch DIR.');
const cli = fileURLToPath(new URL('../packages/cli/dist/bin.js', import.meta.url));
const entry = fileURLToPath(new URL('./browser-limits-page.ts', import.meta.url));
const base = JSON.parse(
  readFileSync(new URL('../packages/testkit/fixtures/configs/sd-v1-5/config.json', import.meta.url), 'utf8'),
);
const weightsName = 'diffusion_pytorch_model.safetensors';

/** A checkpoint of one width. @returns its folder, parameters and bytes */
async function makeModel(width, dtype) {
  mkdirSync(values.scratch, { recursive: true });
  const config = join(values.scratch, 'config.json');
  const folder = join(values.scratch, 'model');
  writeFileSync(config, JSON.stringify({ ...base, block_out_channels: [1, 2, 4, 4].map((factor) => factor * width) }));
  rmSync(folder, { recursive: true, force: true });
  const args = [
    cli,
    'init',
    config,
    '--out',
    folder,
    '--json',
    '--quiet',
    ...(dtype === 'fp32' ? [] : ['--dtype', dtype]),
  ];
  const { parameters } = JSON.parse((await measuredProcess(args)).stdout);
  return { folder, parameters, bytes: statSync(join(folder, weightsName)).size };
}

/** One try in a browser of its own, so that nothing is left of the one before. */
async function tryWidth(width, engine, dtype) {
  const { folder, parameters, bytes } = await makeModel(width, dtype);
  const files = Object.fromEntries(['config.json', weightsName].map((name) => [`model/${name}`, join(folder, name)]));
  try {
    const tried = await withBrowserPage({ entry, files }, async (page) => {
      const crashed = new Promise((_, reject) => page.page.on('crash', () => reject(new Error('The tab crashed.'))));
      const late = new Promise((_, reject) =>
        setTimeout(
          () => reject(new Error(`No answer after ${values.timeout} s.`)),
          1000 * Number(values.timeout),
        ).unref(),
      );
      const args = ['model', engine, Number(values.threads), Number(values.latent)];
      return Promise.race([page.call('tryModel', ...args), crashed, late]);
    });
    return { width, parameters, bytes, ...tried };
  } catch (error) {
    return { width, parameters, bytes, error: String(error.message).split('\n')[0].slice(0, 300) };
  }
}

const results = [];
for (const engine of values.engines.split(',')) {
  for (const dtype of values.dtypes.split(',')) {
    const tries = [];
    for (const width of values.widths.split(',').map(Number)) {
      tries.push(await tryWidth(width, engine, dtype));
      console.log(engine, dtype, tries.at(-1));
      if (tries.at(-1).error) break;
    }
    const held = tries.filter(({ error, finite }) => !error && finite).at(-1);
    results.push({
      engine,
      dtype,
      largest: held && { width: held.width, parameters: held.parameters, bytes: held.bytes },
      tries,
    });
  }
}
rmSync(join(values.scratch, 'model'), { recursive: true, force: true });
rmSync(join(values.scratch, 'config.json'), { force: true });
const setup = {
  model: 'sd-v1-5 configuration, narrower blocks',
  latent: Number(values.latent),
  threads: Number(values.threads),
};
if (values.out)
  writeFileSync(values.out, `${JSON.stringify({ setup: { ...setup, ...machine() }, results }, null, 2)}\n`);
