/**
 * Stable Diffusion 1.5's U-Net, block by block, on engine `wasm` with 2:4 masks and dense, against onnxruntime-web's WASM, one thread
 * each: the whole, 3.4 GB of weights, is more than onnxruntime-web can load beside its runs. Each block is a graph of its own, fed what it gets in a whole
 * step; rounds run every candidate once, beginning with another one each time; medians, summed over the blocks. Random weights.
 *
 *   npm run build && node benchmarks/unet-blocks.mjs [--latent 32] [--seconds 20] [--clock wall|cpu] [--blocks down_blocks]
 *     [--out benchmarks/results/unet-blocks.json]
 */
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { modelFromWeights, randomWeights } from '@secateur/diffusers';
import { inferTypes, withoutDeadNodes, zeros } from '@secateur/graph';
import { wasmEngineInNode, webEngineInNode } from '@secateur/runtime/node';
import { interleaved } from './interleaved.mjs';
import { masked24 } from './mask-24.mjs';
import { machine, median } from './measured-process.mjs';
import { noisyFeeds } from './noisy-feeds.mjs';

const { values: args } = parseArgs({
  options: {
    latent: { type: 'string', default: '32' },
    /** For each block. */
    seconds: { type: 'string', default: '20' },
    clock: { type: 'string', default: 'wall' },
    blocks: { type: 'string', default: '.' },
    out: { type: 'string' },
  },
});
const now = args.clock === 'cpu' ? () => process.cpuUsage().user / 1000 : () => performance.now();

const file = new URL('../packages/testkit/fixtures/configs/sd-v1-5/config.json', import.meta.url);
const config = { ...JSON.parse(await readFile(file, 'utf8')), sample_size: Number(args.latent) };
const model = modelFromWeights('sd-v1-5', config, randomWeights(config, 1));
const feeds = noisyFeeds(model, 1);
const inputs = new Map(Object.entries(feeds).map(([name, { dtype, shape }]) => [name, { dtype, shape }]));
const types = inferTypes(model.graph, { inputs });

/** `down_blocks.0`, …, `mid_block`, `up_blocks.3`; what is before and after them is `ends`, and takes next to no time. */
const blockOf = ({ scope }) => /^(down_blocks\.\d+|mid_block|up_blocks\.\d+)/.exec(scope)?.[1] ?? 'ends';

const candidates = {
  'ort-web': async (graph) => (await webEngineInNode()).compile(graph),
  'wasm dense': async (graph) => (await wasmEngineInNode()).compile(graph),
  'wasm 2:4': async (graph) => (await wasmEngineInNode()).compile(await masked24(graph)),
};

const results = [];
for (const name of new Set(model.graph.nodes.map(blockOf))) {
  if (name !== 'ends' && new RegExp(args.blocks).test(name)) results.push(await measure(name));
}
const sums = Object.fromEntries(
  Object.keys(candidates).map((key) => [key, results.reduce((sum, { medianMs }) => sum + medianMs[key], 0)]),
);
print('all blocks', sums);
if (args.out) {
  const setup = { ...machine(), latent: Number(args.latent), threads: 1, clock: args.clock };
  await writeFile(args.out, `${JSON.stringify({ setup, blocks: results, sums }, null, 2)}\n`);
}
process.exit(0);

async function measure(name) {
  const graph = blockGraph(name);
  const values = {};
  for (const { name: input, dtype, shape } of graph.inputs) {
    values[input] = zeros(dtype, shape);
    if (dtype === 'float32')
      for (let i = 0; i < values[input].data.length; i++) values[input].data[i] = Math.sin(12.9898 * i);
  }
  const executables = {};
  for (const [key, compile] of Object.entries(candidates)) executables[key] = await compile(graph);
  const times = await interleaved(executables, values, { warmUp: 1, rounds: 3, seconds: Number(args.seconds), now });
  for (const executable of Object.values(executables)) await executable.dispose();
  const medianMs = Object.fromEntries(Object.entries(times).map(([key, all]) => [key, median(all)]));
  print(name, medianMs);
  return { block: name, rounds: times['ort-web'].length, medianMs };
}

/** A block as a graph, with what it reads and what others read of it. */
function blockGraph(name) {
  const { graph } = model;
  const nodes = graph.nodes.filter((node) => blockOf(node) === name);
  const made = new Set(nodes.flatMap(({ outputs }) => outputs));
  const read = new Set(nodes.flatMap((node) => node.inputs));
  const readElsewhere = new Set(graph.nodes.filter((node) => blockOf(node) !== name).flatMap((node) => node.inputs));
  const info = (value) => ({ name: value, dtype: types.get(value).dtype, shape: types.get(value).shape });
  const taken = [...read].filter((value) => value && !made.has(value) && !graph.constants.has(value));
  const given = [...made].filter((value) => value && readElsewhere.has(value));
  return withoutDeadNodes({ ...graph, name, nodes, inputs: taken.map(info), outputs: given.map(info) });
}

function print(name, medians) {
  const numbers = Object.entries(medians).map(
    ([key, ms]) => `${key} ${ms.toFixed(1)} ms (${(medians['ort-web'] / ms).toFixed(2)}x)`,
  );
  console.log(`${name.padEnd(16)}${numbers.join('  ')}`);
}
