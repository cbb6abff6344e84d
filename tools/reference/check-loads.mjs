/**
 * What check_loads.py compares with: seeded inputs of a model and the outputs that Secateur has for them.
 *
 *   npm run build
 *   node tools/reference/check-loads.mjs OUT [CASE,…]   prunes models in several ways into OUT/<case>/, each with its
 *                                                       OUT/<case>.golden.safetensors; a name ending in * stands for
 *                                                       all that begin so
 *   node tools/reference/check-loads.mjs --folder DIR   for what `secateur prune` wrote: DIR.golden.safetensors
 */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { channels, costOf, heads, prune, structured } from '../../packages/core/dist/index.js';
import { atomicFile, atomicOutput, nodeFolder } from '../../packages/core/dist/node.js';
import {
  diffusersFormat,
  modelClassOf,
  modelFromWeights,
  randomWeights,
  shapesOf,
  weightsFrom,
} from '../../packages/diffusers/dist/index.js';
import {
  couple,
  evaluateDim,
  float32,
  int64,
  isSymbolic,
  removeUnits,
  sizeOf,
} from '../../packages/graph/dist/index.js';
import { random } from '../../packages/methods/baselines/dist/index.js';
import { onnxFormat } from '../../packages/onnx/dist/index.js';
import { nodeEngine } from '../../packages/runtime/dist/node.js';
import { writeSafetensors } from '../../packages/safetensors/dist/index.js';
import { torchGenerator } from '../../packages/samplers/dist/index.js';
import { zooPath } from '../../packages/zoo/dist/node.js';

const seed = 7;
const batch = 2;
const { values, positionals } = parseArgs({ options: { folder: { type: 'string' } }, allowPositionals: true });
const engine = await nodeEngine({ threads: 2 });

const fixture = (path) => fileURLToPath(new URL(`../../packages/testkit/fixtures/${path}`, import.meta.url));
const zoo = async () => diffusersFormat.load({ folder: await nodeFolder(zooPath('fashion-ddpm-32')) });
const tiny = async () => diffusersFormat.load({ folder: await nodeFolder(fixture('unet2d-tiny')) });
const vae = async () => diffusersFormat.load({ folder: await nodeFolder(fixture('autoencoder-kl')) });
const cifar = async () => {
  const config = JSON.parse(await readFile(fixture('configs/ddpm-cifar10-32/config.json'), 'utf8'));
  return modelFromWeights('ddpm-cifar10-32', config, randomWeights(config, seed));
};

/** One of the small text encoders, with random weights. */
const text = (name) => async () => {
  const { config } = JSON.parse(await readFile(fixture(`text-encoders/${name}.json`), 'utf8'));
  return modelFromWeights(name, config, randomWeights(config, seed));
};

/** A model without some modules. */
const without = (load, removed) => async () => {
  const { name, config, graph } = await load();
  const all = { ...weightsFrom(graph.constants), names: () => [] };
  const needed = shapesOf(modelClassOf(config).build(config, all, { removed }));
  const kept = [...graph.constants].filter(([tensor]) => needed.has(tensor));
  return modelFromWeights(name, config, weightsFrom(new Map(kept)), { removed });
};

const small = (name) => async () => diffusersFormat.load({ folder: await nodeFolder(fixture(name)) });

/** A variant with random weights. */
const variant = (path) => async () => {
  const { config } = JSON.parse(await readFile(fixture(`${path}.json`), 'utf8'));
  return modelFromWeights(path, config, randomWeights(config, seed));
};

/** Transformers, each cut at random everywhere: whole, and without some modules. */
const transformers = {
  dit: ['transformer_blocks.0', 'transformer_blocks.1.ff'],
  sd3: [
    'transformer_blocks.0',
    'transformer_blocks.1',
    'transformer_blocks.1.attn',
    'transformer_blocks.0.attn',
    'transformer_blocks.0.ff_context',
  ],
  pixart: [
    'transformer_blocks.0',
    'transformer_blocks.1.attn1',
    'transformer_blocks.1.attn2',
    'transformer_blocks.1.ff',
  ],
  flux: [
    'transformer_blocks.0',
    'single_transformer_blocks.0',
    'transformer_blocks.0.attn',
    'transformer_blocks.0.ff',
    'transformer_blocks.0.ff_context',
  ],
};

const cases = {
  'zoo-paper': [zoo, { normGroups: 'paper' }],
  'zoo-torch-pruning': [zoo, { normGroups: 'torch-pruning' }],
  'zoo-preserve': [zoo, { normGroups: 'preserve' }],
  'zoo-expressible': [zoo, { normGroups: 'preserve', expressible: true }],
  'zoo-heads': [zoo, { space: heads, ratio: 0.5 }],
  'tiny-paper': [tiny, { normGroups: 'paper' }],
  'tiny-torch-pruning': [tiny, { normGroups: 'torch-pruning' }],
  'tiny-preserve': [tiny, { normGroups: 'preserve' }],
  'tiny-heads': [tiny, { space: heads, ratio: 0.5 }],
  'vae-paper': [vae, { normGroups: 'paper' }],
  'vae-preserve': [vae, { normGroups: 'preserve' }],
  'vae-expressible': [vae, { normGroups: 'preserve', expressible: true, ratio: 0.5 }],
  'vae-removed': without(vae, [
    'encoder.down_blocks.1.resnets.0',
    'encoder.mid_block.attentions.0',
    'decoder.mid_block.resnets.0',
    'decoder.up_blocks.1.resnets.1',
  ]),
  clip: [text('clip'), {}],
  'clip-projection': [text('clip-projection'), {}],
  'clip-heads': [text('clip-legacy'), { space: heads, ratio: 0.5 }],
  'clip-expressible': [text('clip'), { expressible: true }],
  'clip-removed': without(text('clip'), [
    'text_model.encoder.layers.0.self_attn',
    'text_model.encoder.layers.1',
    'text_model.encoder.layers.2.mlp',
  ]),
  t5: [text('t5-gated'), {}],
  't5-heads': [text('t5-relu'), { space: heads, ratio: 0.5 }],
  't5-expressible': [text('t5-gated'), { expressible: true }],
  't5-removed': without(text('t5-gated'), ['encoder.block.0.layer.0', 'encoder.block.1', 'encoder.block.2.layer.1']),
  't5-first-removed': without(text('t5-silu'), ['encoder.block.0']),
  'cifar-paper': [cifar, { normGroups: 'paper' }],
};

/** Models that lose one unit each of some kinds (a layer also by what stands for it), or outputs of all modulations. */
const unet = ['input', 'shortcut', 'pass', 'block', 'pair'];
const transformer = ['input', 'block', 'modulations'];
const deep = {
  tiny: [tiny, unet],
  sd1: [small('unet2d-cond-sd1'), unet],
  sdxl: [small('unet2d-cond-sdxl'), [...unet, 'stage']],
  'scale-shift': [variant('unet2d-variants/scale-shift'), [...unet, 'modulations']],
  vae: [vae, ['input', 'shortcut', 'block']],
  clip: [text('clip'), ['input', 'block']],
  'clip-projection': [text('clip-projection'), ['input', 'block']],
  t5: [text('t5-gated'), ['input', 'block']],
  dit: [small('dit'), transformer],
  sd3: [small('sd3'), transformer],
  pixart: [small('pixart'), transformer],
  flux: [small('flux'), transformer],
};
for (const [name, [load, kinds]] of Object.entries(deep))
  for (const unit of kinds) cases[`depth-${name}-${unit}`] = [load, { unit }];
for (const [name, removed] of Object.entries(transformers)) {
  cases[`${name}-random`] = [small(name), { removed: [] }];
  removed.forEach((path, i) => {
    cases[`${name}-without-${i}`] = [small(name), { removed: [path] }];
  });
  cases[`${name}-heads`] = [small(name), { space: heads, ratio: 0.5 }];
}

/** As the model has them, but for long texts. */
function sizesOf({ sizes, graph }) {
  return graph.inputs.some(({ name }) => name === 'input_ids') ? { tokens } : sizes;
}

/** The last token of a text counts for nothing, where a model has a mask. */
const tokens = 9;
const integers = { input_ids: (i) => (7 * i + 3) % 20, attention_mask: (i) => (i % tokens === tokens - 1 ? 0 : 1) };

/** Normal numbers; for timesteps 1, 101, …, for class labels 0, 1, …, one of each sample; for texts tokens below 20. */
function inputsOf(model) {
  const generator = torchGenerator(seed);
  const feeds = {};
  for (const { name, dtype, shape } of model.graph.inputs) {
    const sizes = shape.map((dim) => (isSymbolic(dim) ? evaluateDim(dim, { ...sizesOf(model), batch }) : dim));
    const step = model.className.startsWith('Flux') ? 1 / 1000 : 1;
    const numberOf = integers[name] ?? ((i) => (name.includes('label') ? i : step * (1 + 100 * i)));
    const numbers = Array.from({ length: sizeOf(sizes) }, (_, i) => numberOf(i));
    if (dtype === 'int64') feeds[name] = int64(numbers, sizes);
    else feeds[name] = sizes.length < 2 ? float32(sizes, numbers) : generator.randn(sizes);
  }
  return feeds;
}

/** Runs a model and writes `in.<input>`, `out`, and further outputs as `out.<name>`. */
async function writeGolden(model, path) {
  const feeds = inputsOf(model);
  const executable = await engine.compile(model.graph);
  const outputs = await executable.run(feeds);
  await executable.dispose();
  const tensors = Object.entries(feeds).map(([name, value]) => [`in.${name}`, value]);
  for (const [i, { name }] of model.graph.outputs.entries())
    tensors.push([i === 0 ? 'out' : `out.${name}`, outputs[name]]);
  const file = await atomicFile(path, { replace: true });
  await writeSafetensors(
    file,
    tensors.map(([name, value]) => ({ name, dtype: value.dtype, shape: value.shape, read: async () => value })),
  );
  await file.commit();
}

/** A model without some modules, and with some units of every group gone. */
function cutAtRandom(model, removed) {
  const modelClass = modelClassOf(model.config);
  const weights = weightsFrom(new Map([...model.graph.constants].filter(([, { parameter }]) => parameter)));
  const needed = shapesOf(modelClass.build(model.config, { ...weights, names: () => [] }, { removed }));
  const left = new Map([...model.graph.constants].filter(([name]) => needed.has(name)));
  const coupling = couple(modelClass.build(model.config, weightsFrom(left), { removed }));
  const generator = torchGenerator(seed);
  const removal = new Map();
  for (const { id, size } of coupling.groups) {
    const order = [...generator.randn([size]).data].map((key, unit) => [key, unit]).sort(([a], [b]) => a - b);
    removal.set(
      id,
      order.slice(0, Math.max(1, Math.floor(size / 3))).map(([, unit]) => unit),
    );
  }
  return { ...model, graph: removeUnits(coupling, removal).graph };
}

/** A model without the middle one of its depth units of a kind, or without a third of what its modulations put out. */
function withoutUnit(model, wanted) {
  const coupling = couple(model.graph);
  if (wanted === 'modulations') {
    const thirds = (size) => Array.from({ length: size }, (_, unit) => unit).filter((unit) => unit % 3 === 1);
    const removal = new Map(coupling.modulations.map(({ id, size }) => [id, thirds(size)]));
    return { ...model, graph: removeUnits(coupling, removal).graph };
  }
  const units = coupling.depth.filter(({ kind, treatment }) => wanted === (kind === 'layer' ? treatment : kind));
  const { id } = units[Math.floor(units.length / 2)];
  console.log(`without ${id}:`);
  return { ...model, graph: removeUnits(coupling, new Map([[id, [0]]])).graph };
}

/** What was pruned, before it was saved, is what the saved folder is compared with. */
async function makeCase(name, out) {
  const model = await modelOf(cases[name]);
  const folder = await atomicOutput(join(out, name), { replace: true });
  const files = await diffusersFormat.save(model, folder);
  await folder.commit();
  await writeGolden(model, join(out, `${name}.golden.safetensors`));
  const how = files.includes('load_secateur.py') ? 'load_secateur.py' : 'the stock library';
  console.log(`${name}: ${costOf(model).parameters} parameters, for ${how}`);
}

/** A case is a model, or a model and options to prune it with. */
async function modelOf(entry) {
  if (typeof entry === 'function') return entry();
  const [load, options] = entry;
  if (options.unit) return withoutUnit(await load(), options.unit);
  if (options.removed) return cutAtRandom(await load(), options.removed);
  const method = structured({ criterion: random(), space: channels });
  return (await prune(await load(), { method, ratio: 0.3, seed, ...options })).model;
}

if (values.folder) {
  const source = { folder: await nodeFolder(values.folder) };
  const format = (await diffusersFormat.detect(source)) ? diffusersFormat : onnxFormat;
  await writeGolden(await format.load(source), `${resolve(values.folder)}.golden.safetensors`);
} else {
  const [out, only] = positionals;
  if (!out) throw new Error('Name a folder for the pruned models, or --folder DIR.');
  for (const wanted of only?.split(',') ?? ['*']) {
    const isWanted = (name) => (wanted.endsWith('*') ? name.startsWith(wanted.slice(0, -1)) : name === wanted);
    for (const name of Object.keys(cases).filter(isWanted)) await makeCase(name, resolve(out));
  }
}
