import { createHash } from 'node:crypto';
import { bytesSource, type Model, memoryFolder, memoryOutput, parametersOf } from '@secateur/core';
import {
  bytesOf,
  couple,
  evaluateDim,
  evaluateGraph,
  float32,
  int64,
  removeUnits,
  sizeOf,
  type Tensor,
} from '@secateur/graph';
import { expectClose, seededRandom } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { diffusersFormat, modelClassOf, shapesOf, singleFileFormat, weightsFrom } from '../../src/index.js';
import { inMemory } from '../support/fixtures.js';
import { randomRemoval } from '../support/removal.js';
import { fileOf, headerOf, open, readSingleFile, saved, singleFiles } from '../support/single-files.js';
import { variantWeights } from '../support/variants.js';

const components = [
  ['sd1', 'unet'],
  ['sd1', 'vae'],
  ['sd1', 'text_encoder'],
  ['sd2', 'unet'],
  ['sd2', 'vae'],
  ['sd2', 'text_encoder'],
  ['sdxl', 'unet'],
  ['sdxl', 'vae'],
  ['sdxl', 'text_encoder'],
  ['sdxl', 'text_encoder_2'],
] as const;

/** Inputs of a small size, the same for every model that takes them. */
function feedsOf({ graph }: Model): Record<string, Tensor> {
  const random = seededRandom(3);
  const symbols = { batch: 1, height: 4, width: 4, latent_height: 2, latent_width: 2, tokens: 5 };
  return Object.fromEntries(
    graph.inputs.map(({ name, dtype, shape }) => {
      const sizes = shape.map((dim) => evaluateDim(dim, symbols));
      const count = sizeOf(sizes);
      if (dtype === 'int64')
        return [
          name,
          int64(
            Array.from({ length: count }, (_, i) => (7 * i + 3) % 20),
            sizes,
          ),
        ];
      return [
        name,
        float32(
          sizes,
          Float32Array.from({ length: count }, () => random() - 0.5),
        ),
      ];
    }),
  );
}

async function outOf(model: Model): Promise<Float32Array> {
  return evaluateGraph(await inMemory(model.graph), feedsOf(model)).out.data as Float32Array;
}

/** The model with some units of every group gone. */
function pruned(model: Model): Model {
  const coupling = couple(model.graph);
  return { ...model, graph: removeUnits(coupling, randomRemoval(coupling, 5)).graph };
}

describe('singleFileFormat.load', () => {
  it.each(components)('reads the names and bytes that diffusers makes: %s, %s', async (name, component) => {
    const { bytes, components: wanted } = await readSingleFile(name);
    const model = await open(bytes, component);
    const found: Record<string, string> = {};
    for (const [tensor, { constant }] of parametersOf(model.graph)) {
      found[tensor] = createHash('sha256')
        .update(bytesOf(await constant.read()))
        .digest('hex')
        .slice(0, 16);
    }
    expect(found).toEqual(wanted[component]);
  });

  it.each(singleFiles)('opens the U-Net unless told otherwise: %s', async (name) => {
    const model = await open((await readSingleFile(name)).bytes);
    expect([model.format, model.className]).toEqual(['single-file', 'UNet2DConditionModel']);
  });

  it('says which components there are, and that there is no other', async () => {
    await expect(open((await readSingleFile('sd1')).bytes, 'text_encoder_2')).rejects.toMatchObject({
      code: 'BAD_OPTION',
      hint: 'It holds unet, vae, text_encoder.',
    });
  });

  it('reads the refiner’s text encoder, models by themselves, and the oldest text encoders', async () => {
    const { keys } = await readSingleFile('sdxl');
    const renamed = async (from: string, to: string, isKept = (_: string) => true) => {
      const weights = [...variantWeights({ config: {}, tensors: keys })].filter(([key]) => isKept(key));
      return fileOf(new Map(weights.map(([key, value]) => [key.replace(from, to), value])));
    };
    const refiner = await renamed('embedders.1.', 'embedders.0.', (key) => key.startsWith('conditioner.embedders.1.'));
    expect((await open(refiner, 'text_encoder_2')).className).toBe('CLIPTextModelWithProjection');
    const vae = await renamed('first_stage_model.', '', (key) => key.startsWith('first_stage_model.'));
    expect((await open(vae)).className).toBe('AutoencoderKL');
    const unet = await renamed('model.diffusion_model.', '', (key) => key.startsWith('model.diffusion_model.'));
    // Without a conditioner beside it the width of the text still tells.
    expect((await open(unet)).graph.inputs.map(({ name }) => name)).toContain('text_embeds');
    const old = await renamed('transformer.text_model.', 'transformer.', (key) => key.startsWith('conditioner.'));
    expect((await open(old, 'text_encoder')).className).toBe('CLIPTextModel');
  });

  it('passes over no tensor of a model in silence', async () => {
    const weights = variantWeights({ config: {}, tensors: (await readSingleFile('sd1')).keys });
    const key = 'model.diffusion_model.input_blocks.1.1.norm_of_another_kind.weight';
    weights.set(key, weights.get('alphas_cumprod')!);
    await expect(open(await fileOf(weights))).rejects.toMatchObject({ code: 'BAD_FILE', field: key });
    weights.delete(key);
    weights.delete('model.diffusion_model.out.2.bias');
    await expect(open(await fileOf(weights))).rejects.toMatchObject({
      code: 'BAD_FILE',
      message: expect.stringContaining('conv_out.bias is missing'),
    });
  });

  it('refuses other keys in one clear sentence, with and without a folder', async () => {
    const bytes = await fileOf(new Map([['conv.weight', float32Constant()]]));
    const file = bytesSource('other.safetensors', bytes);
    expect(await singleFileFormat.detect({ file })).toBe(false);
    for (const format of [singleFileFormat, diffusersFormat]) {
      await expect(format.load({ file, folder: memoryFolder({ 'other.safetensors': bytes }) })).rejects.toMatchObject({
        code: 'BAD_FILE',
        message: expect.stringMatching(/no config\.json beside it, and its keys are not those of an original/),
      });
    }
  });
});

function float32Constant() {
  const value = float32([1], [1]);
  return { dtype: value.dtype, shape: value.shape, read: async () => value };
}

describe('singleFileFormat.save', () => {
  it.each(components)('copies the file of an untouched model byte by byte: %s, %s', async (name, component) => {
    const { bytes } = await readSingleFile(name);
    expect(Buffer.compare(await saved(await open(bytes, component)), bytes)).toBe(0);
  });

  it.each([
    ['sd1', 'unet'],
    ['sd1', 'vae'],
    ['sd2', 'text_encoder'],
    ['sdxl', 'text_encoder'],
    ['sdxl', 'text_encoder_2'],
  ] as const)('writes a pruned model back under the same keys, and reads it again: %s, %s', async (name, component) => {
    const { bytes } = await readSingleFile(name);
    const model = await open(bytes, component);
    const smaller = pruned(model);
    const written = await saved(smaller);
    const [before, after] = [await headerOf(bytes), await headerOf(written)];
    expect([...after.tensors.keys()].sort()).toEqual([...before.tensors.keys()].sort());
    const again = await open(written, component);
    expect(Object.fromEntries(shapesOf(again.graph))).toEqual(Object.fromEntries(shapesOf(smaller.graph)));
    // The same graph of the same weights.
    expectClose(await outOf(again), await outOf(smaller), 0, 'out');
    for (const [key, entry] of before.tensors) {
      expect(after.tensors.get(key)!.shape.length, key).toBe(entry.shape.length);
      if (isOf(component, key)) continue;
      const [a, b] = [await entry.read(), await after.tensors.get(key)!.read()];
      expect(Buffer.compare(bytesOf(a), bytesOf(b)), key).toBe(0);
    }
  });

  it('keeps what was pruned when another model of the file is', async () => {
    const smaller = pruned(await open((await readSingleFile('sd1')).bytes, 'text_encoder'));
    const both = await saved(pruned(await open(await saved(smaller), 'vae')));
    expectClose(await outOf(await open(both, 'text_encoder')), await outOf(smaller), 0, 'out');
    expect((await open(both, 'vae')).graph.constants.get('decoder.conv_in.weight')!.shape[0]).toBeLessThan(64);
  });

  it('leaves out what was removed', async () => {
    const { bytes } = await readSingleFile('sd1');
    const model = await open(bytes);
    const removed = ['mid_block.attentions.0', 'up_blocks.1.resnets.1'];
    const { config, graph } = model;
    const modelClass = modelClassOf(config);
    const all = { ...weightsFrom(graph.constants), names: () => [] };
    const needed = shapesOf(modelClass.build(config, all, { removed }));
    const left = new Map([...graph.constants].filter(([name]) => needed.has(name)));
    const smaller = { ...model, graph: modelClass.build(config, weightsFrom(left), { removed }) };
    const written = await saved(smaller);
    const keys = [...(await headerOf(written)).tensors.keys()];
    expect(keys.filter((key) => key.startsWith('model.diffusion_model.middle_block.1.'))).toEqual([]);
    expect(keys.filter((key) => key.includes('output_blocks.3.0.'))).toEqual(
      ['bias', 'weight'].map((kind) => `model.diffusion_model.output_blocks.3.0.skip_connection.${kind}`),
    );
    expectClose(await outOf(await open(written)), await outOf(smaller), 0, 'out');
  });

  it.each([
    ['sd1', 'unet', 'down_blocks.0.resnets.0'],
    ['sd1', 'unet', 'up_blocks.1.resnets.1:pass'],
    ['sd2', 'text_encoder', 'text_model.encoder.layers.0.mlp'],
  ] as const)('leaves out a layer or a block, and reads that again: %s, %s, %s', async (name, component, unit) => {
    const model = await open((await readSingleFile(name)).bytes, component);
    const smaller = { ...model, graph: removeUnits(couple(model.graph), new Map([[unit, [0]]])).graph };
    const again = await open(await saved(smaller), component);
    expect(shapesOf(again.graph).size).toBeLessThan(shapesOf(model.graph).size);
    expectClose(await outOf(again), await outOf(smaller), 0, 'out');
  });

  it('refuses layers left out of what notes cannot describe', async () => {
    const model = await open((await readSingleFile('sd1')).bytes);
    const { graph } = removeUnits(couple(model.graph), new Map([['down_blocks.0.resnets.0', [0]]]));
    const nodes = graph.nodes.map((node) =>
      node.op === 'GroupNormalization'
        ? { ...node, attributes: { ...node.attributes, epsilon: { type: 'float', value: 0.5 } as const } }
        : node,
    );
    await expect(saved({ ...model, graph: { ...graph, nodes } })).rejects.toMatchObject({
      code: 'CANNOT_PRUNE',
      field: 'down_blocks.0.resnets.0',
    });
  });

  it('converts the dtype of all models in the file', async () => {
    const { bytes } = await readSingleFile('sd1');
    const half = await saved(await open(bytes), { dtype: 'float16' });
    const dtypes = new Set([...(await headerOf(half)).tensors.values()].map(({ dtype }) => dtype));
    expect([...dtypes]).toEqual(['float16']);
    const again = await open(half, 'vae');
    expect(Buffer.compare(await saved(again), half)).toBe(0);
  });

  it('is for models that came out of such a file', async () => {
    const model = { ...(await open((await readSingleFile('sd1')).bytes)), source: undefined };
    await expect(saved(model)).rejects.toMatchObject({ code: 'BAD_OPTION' });
  });
});

describe('diffusersFormat.save of a model from a single file', () => {
  it.each([
    ['sd1', 'unet', 'diffusion_pytorch_model.safetensors'],
    ['sdxl', 'text_encoder_2', 'model.safetensors'],
  ])('writes a folder: %s, %s', async (name, component, weights) => {
    const { bytes, components: wanted } = await readSingleFile(name);
    const out = memoryOutput();
    await diffusersFormat.save(await open(bytes, component), out);
    await out.commit();
    expect([...out.files.keys()].sort()).toEqual(['config.json', weights]);
    const again = await diffusersFormat.load({ folder: memoryFolder(Object.fromEntries(out.files)) });
    expect([...parametersOf(again.graph).keys()].sort()).toEqual(Object.keys(wanted[component]!).sort());
    expectClose(await outOf(again), await outOf(await open(bytes, component)), 0, 'out');
  });
});

function isOf(component: string, key: string): boolean {
  const prefixes: Record<string, RegExp> = {
    unet: /^model\.diffusion_model\./,
    vae: /^first_stage_model\./,
    text_encoder: /^(?:cond_stage_model\.|conditioner\.embedders\.0\.)/,
    text_encoder_2: /^conditioner\.embedders\.1\./,
  };
  return prefixes[component]!.test(key);
}
