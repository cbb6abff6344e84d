import {
  type Constant,
  constantOf,
  countMacs,
  evaluateDim,
  evaluateGraph,
  float32,
  inferTypes,
  shapeText,
} from '@secateur/graph';
import { expectClose, loadFixtureTensors } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { countParameters, unet2dModel, weightsFrom } from '../../src/index.js';
import { asTensor, constantsOf, feedsOf, inMemory, readJson } from '../support/fixtures.js';
import { readVariant, variants, variantWeights } from '../support/variants.js';

// float32 sums in another order than PyTorch's, over some tens of layers.
const tolerance = 1e-4;

const tiny = readJson('unet2d-tiny/config.json');
const tinyWeights = () => constantsOf('unet2d-tiny/diffusion_pytorch_model.safetensors');

describe('unet2dModel.tensors', () => {
  it('counts exactly the parameters of ddpm-cifar10-32', () => {
    expect(countParameters(unet2dModel.tensors(readJson('configs/ddpm-cifar10-32/config.json')))).toBe(35_746_307);
  });

  it('makes a graph of exactly the multiply-adds of ddpm-cifar10-32', () => {
    const outline = unet2dModel.outline(readJson('configs/ddpm-cifar10-32/config.json')).graph;
    expect(countMacs(outline, { symbols: { height: 32, width: 32 } }).weights).toBe(6_053_953_536);
  });

  it.each(variants.filter((name) => name !== 'old-attention-names'))('names the tensors of diffusers: %s', (name) => {
    const { config, tensors } = readVariant(name);
    const specs = unet2dModel.tensors(config).map((spec) => [spec.name, spec.shape]);
    expect(Object.fromEntries(specs)).toEqual(tensors);
    expect(specs).toHaveLength(Object.keys(tensors).length);
  });

  it('refuses blocks that do not fit together', () => {
    const mixed = {
      ...readVariant('k').config,
      up_block_types: ['UpBlock2D', 'UpBlock2D'],
      time_embedding_type: 'positional',
    };
    expect(() => unet2dModel.tensors(mixed)).toThrow(expect.objectContaining({ code: 'BAD_CONFIG' }));
  });
});

describe('unet2dModel.build', () => {
  it('computes what diffusers computes', async () => {
    const golden = loadFixtureTensors('unet2d-tiny/golden.safetensors');
    const graph = await inMemory(unet2dModel.build(tiny, weightsFrom(tinyWeights())));
    const { out } = evaluateGraph(graph, feedsOf(golden));
    expectClose(out.data as Float32Array, golden.out.data as Float32Array, tolerance, 'out');
  });

  it.each(variants)('computes what diffusers computes: %s', async (name) => {
    const variant = readVariant(name);
    const golden = loadFixtureTensors(`unet2d-variants/${name}.safetensors`);
    const graph = unet2dModel.build(variant.config, weightsFrom(variantWeights(variant)));
    const { out } = evaluateGraph(graph, feedsOf(golden));
    expectClose(out.data as Float32Array, golden.out.data as Float32Array, tolerance, 'out');
  });

  it('builds a pruned checkpoint from the configuration of the whole one', async () => {
    const golden = loadFixtureTensors('unet2d-tiny/torch-pruning.safetensors');
    const pruned = constantsOf('unet2d-tiny/torch-pruning.safetensors', 'pruned.');
    const graph = unet2dModel.build(tiny, weightsFrom(pruned));
    const { out } = evaluateGraph(graph, feedsOf(loadFixtureTensors('unet2d-tiny/golden.safetensors')));
    expectClose(out.data as Float32Array, golden['out.pruned'].data as Float32Array, tolerance, 'out');
  });

  it('takes query and key, and value and output, of different widths, and keeps the scale', async () => {
    // Columns of zeros in queries and keys, and values that the output ignores, can go without changing anything.
    const whole = tinyWeights();
    const attention = 'mid_block.attentions.0';
    const kept = { q: [0, 1, 2, 8, 9, 10, 16, 17, 18, 24, 25, 26], v: [0, 4, 8, 12, 16, 20, 24, 28] };
    for (const side of ['to_q', 'to_k']) {
      for (const part of ['weight', 'bias']) edit(whole, `${attention}.${side}.${part}`, 0, kept.q, 'zero');
    }
    edit(whole, `${attention}.to_out.0.weight`, 1, kept.v, 'zero');
    const pruned = new Map(whole);
    for (const part of ['weight', 'bias']) {
      edit(pruned, `${attention}.to_q.${part}`, 0, kept.q, 'keep');
      edit(pruned, `${attention}.to_k.${part}`, 0, kept.q, 'keep');
      edit(pruned, `${attention}.to_v.${part}`, 0, kept.v, 'keep');
    }
    edit(pruned, `${attention}.to_out.0.weight`, 1, kept.v, 'keep');

    const feeds = feedsOf(loadFixtureTensors('unet2d-tiny/golden.safetensors'));
    const a = evaluateGraph(unet2dModel.build(tiny, weightsFrom(whole)), feeds);
    const b = evaluateGraph(unet2dModel.build(tiny, weightsFrom(pruned)), feeds);
    expectClose(b.out.data as Float32Array, a.out.data as Float32Array, 1e-5, 'out');
  });

  it('declares inputs and outputs with symbolic sizes', () => {
    const graph = unet2dModel.build(tiny, weightsFrom(tinyWeights()));
    expect(graph.inputs.map(({ name, dtype, shape }) => `${name} ${dtype} ${shapeText(shape)}`)).toEqual([
      'sample float32 [batch, 3, height, width]',
      'timestep int64 [batch]',
    ]);
    expect(graph.outputs.map(({ name, shape }) => `${name} ${shapeText(shape)}`)).toEqual([
      'out [batch, 3, height, width]',
    ]);
  });

  it.each(variants)('has shapes that follow through symbolic sizes: %s', (name) => {
    const variant = readVariant(name);
    const graph = unet2dModel.build(variant.config, weightsFrom(variantWeights(variant)));
    const { shape } = inferTypes(graph).get('out')!;
    const sizes = { batch: 3, height: 16, width: 24 };
    expect(shape.map((dim) => evaluateDim(dim, sizes))).toEqual([3, variant.config.out_channels, 16, 24]);
  });

  it('gives nodes the module path as scope, and constants the names of the checkpoint', () => {
    const graph = unet2dModel.build(tiny, weightsFrom(tinyWeights()));
    const conv = graph.nodes.find((node) => node.inputs.includes('down_blocks.1.resnets.0.conv1.weight'));
    expect(conv).toMatchObject({ op: 'Conv', scope: 'down_blocks.1.resnets.0.conv1' });
    for (const name of tinyWeights().keys()) expect(graph.constants.get(name)?.parameter?.name).toBe(name);
  });

  it('lets removed modules pass their input on', () => {
    const removed = ['mid_block.attentions.0', 'mid_block.resnets.1', 'down_blocks.1.resnets.0'];
    const weights = tinyWeights();
    for (const name of [...weights.keys()]) {
      const gone = removed.some((path) => name.startsWith(`${path}.`)) && !name.includes('conv_shortcut');
      if (gone) weights.delete(name);
    }
    const graph = unet2dModel.build(tiny, weightsFrom(weights), { removed });
    const scopes = new Set(graph.nodes.map((node) => node.scope));
    expect([...scopes].filter((scope) => scope.startsWith('mid_block.attentions'))).toEqual([]);
    expect(scopes).toContain('down_blocks.1.resnets.0.conv_shortcut');
    expect(scopes).not.toContain('down_blocks.1.resnets.0.conv1');
  });

  it('names the first tensors that are missing, unknown or of a wrong shape', () => {
    const weights = tinyWeights();
    weights.delete('conv_in.bias');
    weights.set('extra.weight', constantOf(float32([1], [0])));
    weights.set('time_embedding.linear_1.weight', constantOf(float32([64, 3], new Float32Array(192))));
    expect(() => unet2dModel.build(tiny, weightsFrom(weights, 'model.safetensors'))).toThrow(
      expect.objectContaining({
        code: 'BAD_FILE',
        file: 'model.safetensors',
        message:
          'The weights do not fit the model: time_embedding.linear_1.weight has shape [64, 3], expected [64, 16]; ' +
          'conv_in.bias is missing; extra.weight is not part of the model.',
      }),
    );
  });

  it('refuses heads and norm groups that do not divide the channels', () => {
    const build = (overrides: Parameters<typeof unet2dModel.build>[2]) => () =>
      unet2dModel.build(tiny, weightsFrom(tinyWeights()), overrides);
    expect(build({ heads: { 'mid_block.attentions.0': 5 } })).toThrow(/32 channels, which 5 heads do not divide/);
    expect(build({ normGroups: { conv_norm_out: 3 } })).toThrow(/conv_norm_out has 16 channels, which 3 norm groups/);
  });
});

describe('unet2dModel.sizes', () => {
  it('is the sample size, square or not', () => {
    expect(unet2dModel.sizes(tiny)).toEqual({ height: 16, width: 16 });
    expect(unet2dModel.sizes({ ...tiny, sample_size: [8, 24] })).toEqual({ height: 8, width: 24 });
    expect(unet2dModel.sizes({ ...tiny, sample_size: null })).toEqual({ height: 32, width: 32 });
  });
});

/** Keeps only `indices` along `axis`, or zeroes all others. */
function edit(
  weights: Map<string, Constant>,
  name: string,
  axis: 0 | 1,
  indices: readonly number[],
  how: 'keep' | 'zero',
): void {
  const { shape, data } = asTensor(weights.get(name)!.value as never);
  const [rows, columns] = [shape[0], shape[1] ?? 1];
  const picked = (i: number) => indices.includes(axis === 0 ? Math.floor(i / columns) : i % columns);
  const old = data as Float32Array;
  const values = how === 'keep' ? old.filter((_, i) => picked(i)) : old.map((value, i) => (picked(i) ? value : 0));
  const size = how === 'keep' ? indices.length : shape[axis];
  const next = shape.length === 1 ? [size] : axis === 0 ? [size, columns] : [rows, size];
  weights.set(name, constantOf(float32(next, values)));
}
