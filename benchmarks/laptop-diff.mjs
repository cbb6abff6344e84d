/**
 * Layers left out of the zoo's U-Nets, before any training: how far scores of layers add up, by criterion, and the output error
 * of LAPTOP-Diff at −30 % and −50 % of the parameters against random and magnitude choices of layers and, for `fashion-sd`,
 * the layers that BK-SDM leaves out by hand (its Base and Small).
 *
 *   npm run build && node benchmarks/laptop-diff.mjs [--out benchmarks/results/laptop-diff.json] [--threads 1] [--subsets 64]
 *
 * Scores are measured on 8 pictures, output errors on 32 others, both at ten timesteps spread over the schedule: mean squared
 * distance to the dense output, divided by the mean square of that. Every choice but BK-SDM's is by the knapsack, so that all
 * remove at least the same share.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { magnitude, random, taylor } from '@secateur/baselines';
import { branches, defineCriterion, knapsack, prune, removing, spreadTimesteps, structured } from '@secateur/core';
import { nodeFolder } from '@secateur/core/node';
import { encodeSamples } from '@secateur/pipelines';
import { nodeEngine } from '@secateur/runtime/node';
import { calibration, createSampler } from '@secateur/samplers';
import { zooCaptions, zooImages, zooPath } from '@secateur/zoo/node';
import { additivityOf, laptopDiff, loadModel } from 'secateur';
import { machine } from './measured-process.mjs';

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    threads: { type: 'string', default: '1' },
    subsets: { type: 'string', default: '64' },
  },
});
const engine = await nodeEngine({ threads: Number(values.threads) });
const steps = 10;
const ratios = [0.3, 0.5];
const seeds = [0, 1, 2];
const bkBase = [2, 1, 0].map((down) => `down_blocks.${down}.resnets.1+up_blocks.${2 - down}.resnets.1`);
const byHand = { 'BK-SDM Base': bkBase, 'BK-SDM Small': [...bkBase, 'mid_block'] };

async function dataOf(name, model, { count, offset, noise }) {
  const pictures = await zooImages({ count, offset });
  const sampler = createSampler(model.scheduler);
  if (name === 'fashion-ddpm-32') return calibration({ images: pictures, sampler, noise });
  const prompts = await zooCaptions({ count, offset });
  const folder = await nodeFolder(zooPath(name));
  const { samples, conditions } = await encodeSamples(folder, { engine, pictures, prompts });
  return calibration({ images: samples, sampler, noise, conditions: { perSample: conditions } });
}

async function outputsOf(model, data) {
  const executable = await engine.compile(model.graph);
  const parts = [];
  for await (const { feeds } of data.batches({ timesteps: spreadTimesteps(data.timesteps, steps), batchSize: 16 })) {
    parts.push((await executable.run(feeds)).out.data);
  }
  await executable.dispose();
  return parts;
}

function relativeError(dense, pruned) {
  let [distance, size] = [0, 0];
  dense.forEach((part, i) => {
    part.forEach((value, k) => {
      distance += (value - pruned[i][k]) ** 2;
      size += value ** 2;
    });
  });
  return distance / size;
}

/** A criterion that knows its scores. */
const known = (scores) =>
  defineCriterion({
    name: 'known',
    apiVersion: 1,
    defaults: {},
    units: ['layer', 'block', 'pair'],
    needs: [],
    score: ({ id }) => scores.get(id),
  })();

async function measureModel(name) {
  const model = await loadModel(`zoo:${name}`);
  const data = await dataOf(name, model, { count: 8, offset: 0, noise: 0 });
  const held = await dataOf(name, model, { count: 32, offset: 5000, noise: 1000 });
  const common = { data, engine, latency: false, timesteps: steps, dryRun: true, ratio: 0.1 };
  const began = performance.now();
  const laptop = await prune(model, { ...common, method: laptopDiff({ subsets: Number(values.subsets) }) });
  const seconds = (performance.now() - began) / 1000;
  const scoresOf = async (criterion, options) =>
    (
      await prune(model, {
        ...common,
        ...options,
        method: structured({ criterion, space: branches, selector: knapsack() }),
      })
    ).outcome.scores;
  const outputs = laptop.outcome.statistics.outputsWithout;
  const sums = { reduce: 'sum', normalize: 'none' };
  const scores = new Map([
    ['output-loss', laptop.outcome.scores],
    ['task-loss', new Map([...outputs.units].map(([id, { lossChange }]) => [id, Float32Array.of(lossChange)]))],
    ['magnitude', await scoresOf(magnitude(sums))],
    ['taylor', await scoresOf(taylor(sums))],
    ['random', await scoresOf(random())],
  ]);
  const { subsets, ...additivity } = additivityOf(outputs, { criterion: 'output-loss', scores });
  console.log(name, `scored in ${seconds.toFixed(1)} s`, JSON.stringify(additivity));

  const dense = await outputsOf(model, held);
  const cuts = [];
  const add = async (label, asked, options) => {
    const { model: cut, report, manifest } = await prune(model, { latency: false, ...options });
    const row = {
      choice: label,
      asked,
      removed: 1 - report.after.parameters / report.before.parameters,
      macs: 1 - report.after.macs / report.before.macs,
      error: relativeError(dense, await outputsOf(cut, held)),
      layers: Object.keys(manifest.removed),
    };
    cuts.push(row);
    console.log(label.padEnd(28), asked, row.removed.toFixed(3), row.macs.toFixed(3), row.error.toFixed(5));
  };
  const by = (found) => structured({ criterion: known(found), space: branches, selector: knapsack() });
  const treatments = new Map([['shortcut', laptop.outcome.scores]]);
  for (const treatment of ['pass', 'pairs']) {
    const method = laptopDiff({ subsets: 0 });
    treatments.set(treatment, (await prune(model, { ...common, treatment, method })).outcome.scores);
  }
  for (const ratio of ratios) {
    for (const [treatment, found] of treatments) {
      await add(`laptop-diff, ${treatment}`, ratio, { method: by(found), ratio, treatment });
    }
    await add('magnitude', ratio, { method: by(scores.get('magnitude')), ratio });
    await add('taylor', ratio, { method: by(scores.get('taylor')), ratio });
    for (const seed of seeds) {
      await add(`random, seed ${seed}`, ratio, { method: by(await scoresOf(random(), { seed })), ratio });
    }
  }
  for (const [label, units] of name === 'fashion-sd' ? Object.entries(byHand) : []) {
    await add(label, null, { method: removing({ units }) });
    const ratio = cuts.at(-1).removed;
    await add(`laptop-diff at ${label}`, ratio, { method: by(treatments.get('shortcut')), ratio });
  }
  return {
    model: name,
    seconds,
    additivity,
    subsets: subsets.map(({ predicted, measured }) => [predicted, measured]),
    cuts,
  };
}

const models = [];
for (const name of ['fashion-ddpm-32', 'fashion-sd']) models.push(await measureModel(name));
if (values.out) {
  const settings = { threads: Number(values.threads), timesteps: steps, scoredOn: 8, measuredOn: 32 };
  await writeFile(values.out, `${JSON.stringify({ machine: machine(), settings, models }, null, 2)}\n`);
}
