/**
 * Does training follow PyTorch? The zoo's architecture from scratch, 200 steps each of SGD and AdamW, from the same initial
 * weights, order of images, noise and timesteps as `tools/reference/train_steps.py zoo` wrote to --reference.
 *
 *   npm run build && node benchmarks/train-against-pytorch.mjs --reference DIR
 *     [--optimizers sgd,adamw] [--out benchmarks/results/train-against-pytorch.json]
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parametersOf } from '@secateur/core';
import { nodeFile } from '@secateur/core/node';
import { modelFromWeights, weightsFrom } from '@secateur/diffusers';
import { constantOf, float32 } from '@secateur/graph';
import { nodeEngine } from '@secateur/runtime/node';
import { readSafetensors } from '@secateur/safetensors';
import { createSampler } from '@secateur/samplers';
import { namedWeights } from '@secateur/testkit';
import { adamw, sampleSet, sgd, train } from '@secateur/train';
import { zooImages } from '@secateur/zoo/node';

const { values } = parseArgs({
  options: {
    reference: { type: 'string' },
    optimizers: { type: 'string', default: 'sgd,adamw' },
    out: { type: 'string' },
  },
});
const json = async (name) => JSON.parse(await readFile(join(values.reference, `${name}.json`), 'utf8'));
const settings = await json('settings');
const config = await json('config');
const engine = await nodeEngine();

async function compare(name) {
  const { tensors } = await readSafetensors(await nodeFile(join(values.reference, `${name}.safetensors`)));
  const wanted = new Map();
  for (const [key, entry] of tensors) wanted.set(key, await entry.read());
  const losses = wanted.get('losses').data;
  wanted.delete('losses');
  const initial = new Map([...wanted].map(([key, { shape }]) => [key, float32(shape, namedWeights(key, shape))]));
  const weights = new Map([...initial].map(([key, tensor]) => [key, constantOf(tensor)]));
  const { learningRate, ...options } = settings.optimizers[name];
  const { model, report } = await train(modelFromWeights('zoo architecture', config, weightsFrom(weights)), {
    engine,
    data: sampleSet({ samples: await zooImages({ count: settings.images }) }),
    sampler: createSampler({ _class_name: 'DDPMScheduler' }),
    steps: settings.steps,
    batchSize: settings.batch,
    seed: settings.seed,
    clip: settings.clip,
    learningRate,
    optimizer: name === 'sgd' ? sgd(options) : adamw(options),
    threads: 1,
    onProgress: ({ done, note }) => done % 20 === 0 && console.log(name, done, note),
  });
  const lossErrors = report.losses.map((loss, step) => Math.abs(loss / losses[step] - 1));
  const tensorErrors = [];
  for (const [key, { constant }] of parametersOf(model.graph)) {
    const ours = (await constant.read()).data;
    const theirs = wanted.get(key).data;
    const start = initial.get(key).data;
    const isZero = settings['zero-gradient'].includes(key);
    tensorErrors.push({ tensor: key, relative: relative(ours, theirs), cosine: cosine(ours, theirs, start), isZero });
  }
  const judged = tensorErrors.filter(({ isZero }) => !isZero);
  return {
    worstLossFirst20: Math.max(...lossErrors.slice(0, 20)),
    worstLoss: Math.max(...lossErrors),
    worstLossStep: lossErrors.indexOf(Math.max(...lossErrors)),
    lossErrors: lossErrors.map((error) => Number(error.toPrecision(2))),
    worstTensor: judged.reduce((a, b) => (b.relative > a.relative ? b : a)),
    worstCosine: judged.reduce((a, b) => (b.cosine < a.cosine ? b : a)),
    tensors: tensorErrors.length,
    zeroGradient: tensorErrors.filter(({ isZero }) => isZero),
    firstLoss: losses[0],
    lastLosses: { ours: mean(report.losses.slice(-20)), pytorch: mean(Array.from(losses).slice(-20)) },
    imagesPerSecond: report.measured.imagesPerSecond,
  };
}

/** `max|a − b| / max|b|` */
function relative(a, b) {
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < b.length; i++) {
    difference = Math.max(difference, Math.abs(a[i] - b[i]));
    largest = Math.max(largest, Math.abs(b[i]));
  }
  return difference / largest;
}

/** Between two ways from the same start. */
function cosine(a, b, start) {
  let [product, first, second] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] - start[i], b[i] - start[i]];
    product += x * y;
    first += x * x;
    second += y * y;
  }
  return product / Math.sqrt(first * second);
}

function mean(numbers) {
  return numbers.reduce((a, b) => a + b, 0) / numbers.length;
}

const result = {
  what: "Training the zoo's architecture from scratch, against PyTorch from the same weights, order, noise and timesteps",
  settings,
  engine: await engine.describe(),
};
for (const name of values.optimizers.split(',')) result[name] = await compare(name);
console.log(JSON.stringify(result, null, 2));
if (values.out) await writeFile(values.out, `${JSON.stringify(result, null, 2)}\n`);
