import { readFileSync } from 'node:fs';
import { type FormatSource, type Model, memoryFolder, memoryOutput, type SourceFolder } from '@secateur/core';
import { bytesOf, type Constant, constantOf, float32, type Graph } from '@secateur/graph';
import { fixturePath } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { diffusersFormat, modelFromWeights, randomWeights, unet2dModel, weightsFrom } from '../../src/index.js';
import { constantsOf, readJson } from '../support/fixtures.js';

const bytes = (path: string): Uint8Array => new Uint8Array(readFileSync(fixturePath(path)));
const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const config = readJson('unet2d-tiny/config.json');
const weightsPath = 'diffusion_pytorch_model.safetensors';
const tiny = {
  'config.json': bytes('unet2d-tiny/config.json'),
  [weightsPath]: bytes(`unet2d-tiny/${weightsPath}`),
};
const scheduler = { _class_name: 'DDPMScheduler', num_train_timesteps: 1000 };
const pipeline = {
  'model_index.json': text({
    _class_name: 'DDPMPipeline',
    scheduler: ['diffusers', 'DDPMScheduler'],
    unet: ['diffusers', 'UNet2DModel'],
    safety_checker: [null, null],
  }),
  'scheduler/scheduler_config.json': text(scheduler),
  'unet/config.json': tiny['config.json'],
  [`unet/${weightsPath}`]: tiny[weightsPath]!,
  'notes.txt': text('not part of the pipeline'),
};

async function save(model: Model, options = {}): Promise<{ files: Map<string, Uint8Array>; folder: SourceFolder }> {
  const out = memoryOutput();
  const written = await diffusersFormat.save(model, out, options);
  await out.commit();
  expect([...out.files.keys()].sort()).toEqual([...written].sort());
  return { files: out.files, folder: memoryFolder(Object.fromEntries(out.files)) };
}

const load = (files: Record<string, Uint8Array>): Promise<Model> =>
  diffusersFormat.load({ folder: memoryFolder(files) });

/** The graph of other weights, in the model's place. */
function withGraph(model: Model, graph: Graph): Model {
  return { ...model, graph };
}

/** Compares as a whole: an element-wise comparison of some hundred thousand bytes takes seconds. */
function expectSameBytes(actual: Uint8Array | undefined, expected: Uint8Array | undefined, label: string): void {
  expect(actual && expected && Buffer.compare(actual, expected), label).toBe(0);
}

function pruned(): Map<string, Constant> {
  return constantsOf('unet2d-tiny/torch-pruning.safetensors', 'pruned.');
}

describe('detect', () => {
  it('knows folders, pipelines and files with a config.json beside them', async () => {
    const folder = memoryFolder(tiny);
    const detect = (source: FormatSource) => diffusersFormat.detect(source);
    expect(await detect({ folder })).toBe(true);
    expect(await detect({ folder: memoryFolder(pipeline) })).toBe(true);
    expect(await detect({ folder, file: await folder.open(weightsPath) })).toBe(true);
    expect(await detect({ folder: memoryFolder({ 'model.onnx': text(1) }) })).toBe(false);
    expect(await detect({ folder: memoryFolder({ 'config.json': text({}) }) })).toBe(false);
    expect(await detect({ file: await folder.open(weightsPath) })).toBe(false);
  });
});

describe('load', () => {
  it('reads a model folder', async () => {
    const model = await load(tiny);
    expect(model).toMatchObject({
      format: 'diffusers',
      className: 'UNet2DModel',
      config,
      sizes: { height: 16, width: 16 },
    });
    expect(model.scheduler).toBeUndefined();
    expect((await model.files()).map(({ name }) => name)).toEqual(['config.json', weightsPath]);
    const bias = await model.graph.constants.get('conv_in.bias')!.read();
    expect(bias).toMatchObject({ dtype: 'float32', shape: [16] });
  });

  it('reads a file with its folder', async () => {
    const folder = memoryFolder({ 'config.json': tiny['config.json'], 'other.safetensors': tiny[weightsPath]! });
    const model = await diffusersFormat.load({ folder, file: await folder.open('other.safetensors') });
    expect(model.name).toBe('other.safetensors');
    const { files } = await save(model);
    expect([...files.keys()].sort()).toEqual(['config.json', weightsPath]);
  });

  it('reads the denoiser of a pipeline and its scheduler', async () => {
    const model = await load(pipeline);
    expect(model.className).toBe('UNet2DModel');
    expect(model.scheduler).toEqual(scheduler);
  });

  it('refuses a class that it does not know, and says which it knows', async () => {
    const files = { ...tiny, 'config.json': text({ ...config, _class_name: 'UNet9DModel' }) };
    await expect(load(files)).rejects.toMatchObject({
      code: 'BAD_CONFIG',
      message: expect.stringContaining('"UNet9DModel"'),
      hint: expect.stringContaining('UNet2DModel'),
    });
  });

  it('refuses weights of other widths than the configuration, unless they say that they were pruned', async () => {
    const wider = { ...tiny, 'config.json': text({ ...config, block_out_channels: [16, 64] }) };
    await expect(load(wider)).rejects.toMatchObject({
      code: 'BAD_FILE',
      message: expect.stringContaining(
        'down_blocks.1.resnets.0.conv1.weight has shape [32, 16, 3, 3], expected [64, 16, 3, 3]',
      ),
    });
  });

  it('refuses notes that are malformed', async () => {
    const model = await load(tiny);
    const { files } = await save(withGraph(model, unet2dModel.build(config, weightsFrom(pruned()))));
    const weights = Buffer.from(files.get(weightsPath)!);
    const at = weights.indexOf('normGroups');
    weights.write('nonsense..', at);
    await expect(
      load({ 'config.json': tiny['config.json'], [weightsPath]: new Uint8Array(weights) }),
    ).rejects.toMatchObject({
      code: 'BAD_FILE',
    });
  });
});

describe('save', () => {
  it('gives back the bytes it read', async () => {
    for (const input of [tiny, pipeline]) {
      const { files } = await save(await load(input));
      const { 'notes.txt': _, ...expected } = input as Record<string, Uint8Array>;
      expect([...files.keys()].sort()).toEqual(Object.keys(expected).sort());
      for (const [path, content] of files) expectSameBytes(content, expected[path], path);
    }
  });

  it('writes all values when one tensor is another object', async () => {
    const model = await load(tiny);
    const constants = new Map(model.graph.constants);
    const bias = constants.get('conv_in.bias')!;
    constants.set('conv_in.bias', { ...constantOf(await bias.read(), bias.parameter) });
    const { files } = await save(withGraph(model, { ...model.graph, constants }));
    const again = await load(Object.fromEntries(files));
    for (const [name, constant] of model.graph.constants) {
      expectSameBytes(bytesOf(await again.graph.constants.get(name)!.read()), bytesOf(await constant.read()), name);
    }
  });

  it('keeps the dtype, and converts when asked to', async () => {
    const model = await load(tiny);
    const { files } = await save(model, { dtype: 'float16' });
    expect(files.get(weightsPath)!.byteLength).toBeLessThan(0.6 * tiny[weightsPath]!.byteLength);
    const half = await load(Object.fromEntries(files));
    expect(half.graph.constants.get('conv_in.weight')!.dtype).toBe('float32');
    const { files: same } = await save(half);
    expectSameBytes(same.get(weightsPath), files.get(weightsPath), weightsPath);
  });

  it('marks a pruned model that no configuration can say, adds the script, and reads it back', async () => {
    const graph = unet2dModel.build(config, weightsFrom(pruned()));
    const { files } = await save(withGraph(await load(pipeline), graph));
    expect([...files.keys()].sort()).toEqual([
      'load_secateur.py',
      'model_index.json',
      'scheduler/scheduler_config.json',
      'unet/config.json',
      `unet/${weightsPath}`,
    ]);
    expectSameBytes(files.get('unet/config.json'), tiny['config.json'], 'config');
    const again = await load(Object.fromEntries(files));
    expect(again.graph.nodes).toEqual(graph.nodes);
    for (const [name, { shape }] of graph.constants) expect(again.graph.constants.get(name)!.shape).toEqual(shape);
    const { files: third } = await save(again);
    for (const [path, content] of files) expectSameBytes(third.get(path), content, path);
  });

  it('remembers heads, scales and norm groups of a pruned model', async () => {
    const overrides = {
      heads: { 'mid_block.attentions.0': 2 },
      scale: { 'mid_block.attentions.0': 0.5 },
      normGroups: { conv_norm_out: 8 },
    };
    const graph = unet2dModel.build(config, weightsFrom(constantsOf(`unet2d-tiny/${weightsPath}`)), overrides);
    const { folder } = await save(withGraph(await load(tiny), graph));
    const again = await diffusersFormat.load({ folder });
    expect(again.graph.nodes).toEqual(graph.nodes);
  });

  it('writes a configuration that says the cut, where the class has one', async () => {
    const smaller = { ...config, block_out_channels: [16, 16], time_embedding_dim: 40 };
    const made = modelFromWeights('made', smaller, randomWeights(smaller, 3));
    const { files } = await save(withGraph(await load(tiny), made.graph));
    expect([...files.keys()].sort()).toEqual(['config.json', weightsPath]);
    expect(JSON.parse(new TextDecoder().decode(files.get('config.json')))).toEqual(smaller);
    expect((await load(Object.fromEntries(files))).graph.nodes).toEqual(made.graph.nodes);
  });

  it('writes a model without its middle attention as a configuration', async () => {
    const weights = constantsOf(`unet2d-tiny/${weightsPath}`);
    for (const name of [...weights.keys()]) if (name.startsWith('mid_block.attentions.')) weights.delete(name);
    const graph = unet2dModel.build(config, weightsFrom(weights), { removed: ['mid_block.attentions.0'] });
    const { files } = await save(withGraph(await load(tiny), graph));
    expect(JSON.parse(new TextDecoder().decode(files.get('config.json')))).toMatchObject({ add_attention: false });
  });

  it('opens no other component of a pipeline whose denoiser it does not know', async () => {
    const other = {
      ...pipeline,
      'model_index.json': text({ unet: ['diffusers', 'UNet2DModel'], transformer: ['diffusers', 'LuminaModel'] }),
    };
    expect((await load(other)).className).toBe('UNet2DModel');
    const unknown = {
      ...other,
      'model_index.json': text({ vae: ['diffusers', 'AutoencoderKL'], unet: ['x', 'OtherUNet'] }),
    };
    await expect(load(unknown)).rejects.toMatchObject({
      code: 'BAD_FILE',
      message: expect.stringMatching(/unet is .* OtherUNet/),
    });
  });

  it('saves a model made from a configuration and a seed, the same for the same seed', async () => {
    const files = async (seed: number) =>
      (await save(modelFromWeights('made', config, randomWeights(config, seed)))).files;
    const [a, b, c] = [await files(7), await files(7), await files(8)];
    expectSameBytes(a.get(weightsPath), b.get(weightsPath), weightsPath);
    expect(Buffer.compare(a.get(weightsPath)!, c.get(weightsPath)!)).not.toBe(0);
    const model = await load(Object.fromEntries(a));
    const norm = await model.graph.constants.get('conv_norm_out.weight')!.read();
    expect(norm).toEqual(float32([16], new Float32Array(16).fill(1)));
  });
});
