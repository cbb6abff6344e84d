/**
 * Do removed MACs become time? Latency of the dense and the pruned ddpm-cifar10-32 on onnxruntime-node, interleaved, and of
 * the pruned one against a prediction: the sum over its operators of each one's own time, measured alone.
 *
 *   npm run build && node benchmarks/pruned-latency.mjs [--round-to 16] [--out benchmarks/results/pruned-latency.json]
 */
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { random } from '@secateur/baselines';
import { measureLatency, prune, sampleFeeds, structured } from '@secateur/core';
import { modelFromWeights, randomWeights } from '@secateur/diffusers';
import { evaluateDim, inferTypes, isSymbolic, zeros } from '@secateur/graph';
import { nodeEngine } from '@secateur/runtime/node';

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    'round-to': { type: 'string', default: '16' },
    batch: { type: 'string', default: '1' },
  },
});
const threads = 2;
const batch = Number(values.batch);
const copies = 6;
const rounds = 15;

const config = JSON.parse(
  await readFile(new URL('../packages/testkit/fixtures/configs/ddpm-cifar10-32/config.json', import.meta.url), 'utf8'),
);
const model = modelFromWeights('ddpm-cifar10-32', config, randomWeights(config, 1));
const engine = await nodeEngine({ threads });

/** Several copies of one node side by side, each with inputs of its own so that none is computed once for all. */
function aloneGraph(graph, node, types, symbols) {
  const inputs = [];
  const nodes = [];
  const constants = new Map();
  const outputs = [];
  for (let copy = 0; copy < copies; copy++) {
    const names = node.inputs.map((input) => {
      if (!input) return '';
      if (graph.constants.has(input)) {
        constants.set(input, graph.constants.get(input));
        return input;
      }
      const type = types.get(input);
      const name = `${input}@${copy}`;
      if (!inputs.some((known) => known.name === name)) {
        inputs.push({ name, dtype: type.dtype, shape: type.shape.map((dim) => evaluateDim(dim, symbols)) });
      }
      return name;
    });
    const made = node.outputs.map((output) => output && `${output}@${copy}`);
    nodes.push({ ...node, name: `${node.name}@${copy}`, inputs: names, outputs: made });
    for (const [k, name] of made.entries()) {
      const type = types.get(node.outputs[k]);
      outputs.push({ name, dtype: type.dtype, shape: type.shape.map((dim) => evaluateDim(dim, symbols)) });
    }
  }
  return { ...graph, inputs, outputs, nodes, constants };
}

/** Sum of every operator's own time, in milliseconds; operators of one shape are measured once. */
async function predict(candidate) {
  const { graph } = candidate;
  const types = inferTypes(graph);
  const symbols = { ...candidate.sizes, batch };
  const known = new Map();
  let total = 0;
  for (const node of graph.nodes) {
    const live = node.inputs.filter((input) => input && !graph.constants.has(input));
    // Shape arithmetic and views cost nothing worth measuring.
    if (live.length === 0 || ['Shape', 'Reshape', 'Unsqueeze', 'Identity', 'Cast'].includes(node.op)) continue;
    const text = (name) =>
      name
        ? types
            .get(name)
            .shape.map((dim) => (isSymbolic(dim) ? evaluateDim(dim, symbols) : dim))
            .join('x')
        : '';
    // SiLU is Sigmoid and Mul, which the engine runs as one: the Mul carries the time.
    if (node.op === 'Sigmoid') continue;
    const key = `${node.op}|${JSON.stringify(node.attributes)}|${node.inputs.map(text).join('|')}`;
    if (!known.has(key)) known.set(key, await timeAlone(graph, node, types, symbols));
    total += known.get(key);
  }
  return total;
}

async function timeAlone(graph, node, types, symbols) {
  const alone = aloneGraph(graph, node, types, symbols);
  const executable = await engine.compile(alone);
  const feeds = Object.fromEntries(alone.inputs.map((input) => [input.name, zeros(input.dtype, input.shape)]));
  const times = [];
  for (let round = -2; round < rounds; round++) {
    const start = performance.now();
    await executable.run(feeds);
    if (round >= 0) times.push(performance.now() - start);
  }
  await executable.dispose();
  times.sort((a, b) => a - b);
  return times[0] / copies;
}

const results = [];
for (const roundTo of [1, Number(values['round-to'])]) {
  const { model: pruned, report } = await prune(model, {
    method: structured({ criterion: random() }),
    ratio: 0.3,
    normGroups: 'paper',
    roundTo,
    seed: 1,
  });
  const [dense, small] = await measureLatency([model, pruned], { engine, batch, threads, rounds: 21 });
  const predicted = { dense: await predict(model), pruned: await predict(pruned) };
  results.push({
    roundTo,
    macsRatio: report.after.macs / report.before.macs,
    latencyMs: { dense: dense.minMs, pruned: small.minMs, denseMedian: dense.medianMs, prunedMedian: small.medianMs },
    latencyRatio: small.minMs / dense.minMs,
    predictedMs: predicted,
    measuredOverPredicted: { dense: dense.minMs / predicted.dense, pruned: small.minMs / predicted.pruned },
    // What operators cost together beyond their own times (layout changes, cold caches) is taken from the dense model.
    measuredOverCalibrated: small.minMs / ((predicted.pruned * dense.minMs) / predicted.dense),
    predictedRatio: predicted.pruned / predicted.dense,
  });
  console.log(results[results.length - 1]);
}
if (values.out) {
  const setup = {
    model: 'ddpm-cifar10-32',
    ratio: 0.3,
    rule: 'paper',
    batch,
    threads,
    engine: await engine.describe(),
    inputs: Object.keys(sampleFeeds(model)),
  };
  await writeFile(values.out, `${JSON.stringify({ setup, results }, null, 2)}\n`);
}
