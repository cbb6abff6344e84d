/**
 * Whole U-Net steps on engine `wasm`, dense and with 2:4 masks, against onnxruntime-web's WASM and onnxruntime-node, one thread each.
 * Every round runs every candidate once, beginning with another one each time; medians. Memory is what a process of its own holds
 * more after three runs than before the engine was loaded.
 *
 * With --browser the page of `unet-step-page.ts` does the same in headless Chromium, without onnxruntime-node and without memory.
 *
 *   npm run build && node benchmarks/unet-step.mjs [--browser] [--models zoo,cifar] [--seconds 40] [--batch 1] [--clock wall|cpu] [--profile] [--no-memory]
 *     [--out benchmarks/results/unet-step.json]
 *
 * On a machine that others use, --clock cpu counts the time that the process was running instead of the time that passed.
 *
 * 2:4 removes whole kernels, the smaller two of every four inputs, shared by four outputs. The CIFAR shape has random weights: these
 * are speeds and say nothing about quality. onnxruntime runs the dense model: zeros are no faster there.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { modelFromWeights, randomWeights } from '@secateur/diffusers';
import { nodeEngine, wasmEngineInNode, webEngineInNode } from '@secateur/runtime/node';
import { loadModel } from '../packages/cli/dist/model/load-model.js';
import { interleaved } from './interleaved.mjs';
import { masked24 } from './mask-24.mjs';
import { machine, measuredProcess, median, residentMb } from './measured-process.mjs';
import { noisyFeeds } from './noisy-feeds.mjs';

const { values: args } = parseArgs({
  options: {
    models: { type: 'string', default: 'zoo,cifar' },
    seconds: { type: 'string', default: '40' },
    batch: { type: 'string', default: '1' },
    clock: { type: 'string', default: 'wall' },
    only: { type: 'string', default: '.' },
    browser: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    'no-memory': { type: 'boolean', default: false },
    out: { type: 'string' },
    // What a measured process does.
    hold: { type: 'string' },
  },
});
const batch = Number(args.batch);
/** Milliseconds since some moment. */
const now = args.clock === 'cpu' ? () => process.cpuUsage().user / 1000 : () => performance.now();

/** Times as fast as onnxruntime-web; and its memory's share. */
const goals = { dense: { floor: 1.8, goal: 4 }, '2:4': { floor: 2.5, goal: 6 } };

const candidates = {
  'ort-web': { engine: () => webEngineInNode() },
  ort: { engine: () => nodeEngine({ threads: 1 }) },
  'wasm dense': { engine: () => wasmEngineInNode() },
  'wasm dense small': { engine: () => wasmEngineInNode({ memory: 'small' }) },
  'wasm 2:4': { engine: () => wasmEngineInNode(), masked: true },
  'wasm 2:4 small': { engine: () => wasmEngineInNode({ memory: 'small' }), masked: true },
};

if (args.hold) await hold(...args.hold.split(','));
else await main();

async function modelNamed(name) {
  if (name === 'zoo') return loadModel('zoo:fashion-ddpm-32');
  const config = await cifarConfig();
  return modelFromWeights('ddpm-cifar10-32', config, randomWeights(config, 1));
}

async function cifarConfig() {
  const file = new URL('../packages/testkit/fixtures/configs/ddpm-cifar10-32/config.json', import.meta.url);
  return JSON.parse(await readFile(file, 'utf8'));
}

async function graphFor({ masked }, model) {
  return masked ? masked24(model.graph) : model.graph;
}

async function main() {
  const results = [];
  for (const name of args.models.split(','))
    results.push(await (args.browser ? measureInBrowser(name) : measure(name)));
  if (args.out) {
    const setup = { ...machine(), batch, threads: 1, goals };
    await writeFile(args.out, `${JSON.stringify({ setup, results }, null, 2)}\n`);
  }
  process.exit(0);
}

async function measure(name) {
  const model = await modelNamed(name);
  const feeds = noisyFeeds(model, batch);
  const executables = {};
  for (const [key, candidate] of Object.entries(candidates)) {
    if (!new RegExp(args.only).test(key)) continue;
    executables[key] = await (await candidate.engine()).compile(await graphFor(candidate, model));
  }
  const times = await interleaved(executables, feeds, { warmUp: 2, rounds: 5, seconds: Number(args.seconds), now });
  const rounds = Object.values(times)[0].length;
  console.log(`\n${model.name}, batch ${batch}, ${rounds} rounds`);
  const rows = rowsOf(times);
  if (args.profile)
    for (const key of ['wasm dense', 'wasm 2:4'])
      if (executables[key]) await printProfile(key, executables[key], feeds);
  for (const executable of Object.values(executables)) await executable.dispose();
  if (!args['no-memory']) await measureMemory(name, rows);
  print(rows);
  return { model: model.name, rounds, candidates: rows };
}

async function measureInBrowser(name) {
  const { withBrowserPage } = await import('@secateur/testkit/browser');
  const { zooPath } = await import('@secateur/zoo/node');
  const folder = zooPath('fashion-ddpm-32');
  const names = ['config.json', 'diffusion_pytorch_model.safetensors'];
  const files = Object.fromEntries(names.map((file) => [`zoo/${file}`, join(folder, 'unet', file)]));
  const entry = fileURLToPath(new URL('./unet-step-page.ts', import.meta.url));
  const source = name === 'zoo' ? { folder: 'zoo' } : { config: await cifarConfig() };
  const { times, version } = await withBrowserPage({ entry, files }, async (page) => ({
    times: await page.call('timeSteps', source, batch, Number(args.seconds)),
    version: page.page.context().browser().version(),
  }));
  const rows = rowsOf(times);
  console.log(`\n${name}, batch ${batch}, ${times['ort-web'].length} rounds, Chromium ${version}`);
  print(rows);
  return { model: name, chromium: version, rounds: times['ort-web'].length, candidates: rows };
}

/** By candidate; ratios are to the first one where onnxruntime-web is left out. */
function rowsOf(times) {
  const reference = median(times['ort-web'] ?? Object.values(times)[0]);
  return Object.fromEntries(
    Object.entries(times).map(([key, all]) => {
      const medianMs = median(all);
      return [key, { medianMs, minMs: Math.min(...all), againstOrtWeb: reference / medianMs }];
    }),
  );
}

/** Medians of 15 runs, by kind of step and for the slowest steps. */
async function printProfile(key, executable, feeds) {
  const runs = [];
  for (let i = 0; i < 15; i++) runs.push(await executable.profile(feeds, now));
  const steps = runs[0].map((step, i) => ({ ...step, ms: median(runs.map((run) => run[i].ms)) }));
  const kinds = new Map();
  for (const { kind, ms } of steps)
    kinds.set(kind, { ms: (kinds.get(kind)?.ms ?? 0) + ms, n: (kinds.get(kind)?.n ?? 0) + 1 });
  console.log(`\n${key}: ${steps.reduce((sum, { ms }) => sum + ms, 0).toFixed(2)} ms`);
  for (const [kind, { ms, n }] of [...kinds].sort((a, b) => b[1].ms - a[1].ms))
    console.log(`  ${ms.toFixed(2)} ms  ${n} x ${kind}`);
  for (const { node, kind, ms, macs } of steps.sort((a, b) => b.ms - a.ms).slice(0, 70)) {
    const rate = macs ? `${(macs / ms / 5e5).toFixed(0)} GF/s` : '';
    console.log(`    ${ms.toFixed(3)}  ${rate.padStart(8)}  ${kind}  ${node}`);
  }
}

async function measureMemory(name, rows) {
  for (const key of Object.keys(rows)) {
    const script = new URL(import.meta.url).pathname;
    const { stdout } = await measuredProcess([
      '--expose-gc',
      script,
      '--hold',
      `${name},${key}`,
      '--batch',
      args.batch,
    ]);
    rows[key].residentMb = Number(stdout.trim().split('\n').at(-1));
  }
}

/** Prints what an engine and a model hold. */
async function hold(name, key) {
  const model = await modelNamed(name);
  const feeds = noisyFeeds(model, batch);
  const graph = await graphFor(candidates[key], model);
  for (const constant of graph.constants.values()) await constant.read();
  globalThis.gc();
  const before = residentMb().anonymous;
  const executable = await (await candidates[key].engine()).compile(graph);
  for (let i = 0; i < 3; i++) await executable.run(feeds);
  for (let i = 0; i < 3; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  console.log(residentMb().anonymous - before);
  process.exit(0);
}

function print(rows) {
  for (const [key, { medianMs, minMs, againstOrtWeb, residentMb: held }] of Object.entries(rows)) {
    const memory = held === undefined ? '' : `  ${held.toFixed(0).padStart(5)} MB`;
    const numbers = `${medianMs.toFixed(2).padStart(9)} ms  (least ${minMs.toFixed(2)})  ${againstOrtWeb.toFixed(2)}x`;
    console.log(`${key.padEnd(18)}${numbers}${memory}`);
  }
}
