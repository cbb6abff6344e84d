import { couple, evaluateDim, evaluateGraph, float32, gradient, inferTypes, shapeText } from '@secateur/graph';
import { expectClose, loadFixtureTensors } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { countParameters, unet2dConditionModel, weightsFrom } from '../../src/index.js';
import { constantsOf, feedsOf, readJson } from '../support/fixtures.js';
import { expectRandomRemovals } from '../support/removal.js';
import { conditionVariants, readVariant, variantWeights } from '../support/variants.js';

// float32 sums in another order than PyTorch's, over some tens of layers.
const tolerance = 1e-4;

const fixtures = ['unet2d-cond-sd1', 'unet2d-cond-sdxl'];
const configOf = (name: string) => readJson(`${name}/config.json`);
const weightsOf = (name: string) => constantsOf(`${name}/diffusion_pytorch_model.safetensors`);
const goldenOf = (name: string) => loadFixtureTensors(`${name}/golden.safetensors`);

describe('unet2dConditionModel.tensors', () => {
  it.each([
    ['sd-v1-5', 859_520_964],
    ['sd-v2-1-base', 865_910_724],
    ['sdxl-base', 2_567_463_684],
    ['bk-sdm-base', 579_384_964],
    ['bk-sdm-small', 482_346_884],
    ['bk-sdm-tiny', 323_384_964],
  ])('counts exactly the parameters of %s', (name, parameters) => {
    expect(countParameters(unet2dConditionModel.tensors(readJson(`configs/${name}/config.json`)))).toBe(parameters);
  });

  it.each(fixtures)('names the tensors of diffusers: %s', (name) => {
    const specs = unet2dConditionModel.tensors(configOf(name)).map((spec) => [spec.name, spec.shape] as const);
    const stored = [...weightsOf(name)].map(([tensor, { shape }]) => [tensor, shape] as const);
    expect(Object.fromEntries(specs)).toEqual(Object.fromEntries(stored));
  });
});

describe('unet2dConditionModel.build', () => {
  it.each(fixtures)('computes what diffusers computes: %s', (name) => {
    const golden = goldenOf(name);
    const { out } = evaluateGraph(
      unet2dConditionModel.build(configOf(name), weightsFrom(weightsOf(name))),
      feedsOf(golden),
    );
    expectClose(out.data as Float32Array, golden.out.data as Float32Array, tolerance, 'out');
  });

  it.each(conditionVariants)('computes what diffusers computes: %s', (name) => {
    const variant = readVariant(name, 'unet2d-condition-variants');
    const golden = loadFixtureTensors(`unet2d-condition-variants/${name}.safetensors`);
    const weights = weightsFrom(variantWeights(variant));
    const graph = unet2dConditionModel.build(variant.config, weights, undefined, { strict: true });
    const { out } = evaluateGraph(graph, feedsOf(golden));
    expectClose(out.data as Float32Array, golden.out.data as Float32Array, tolerance, 'out');
  });

  it.each([
    ['as every size is, of a model for uneven ones', [11, 18], true],
    ['unless a model is for even ones', 16, false],
  ])('runs at a size that does not halve evenly, %s', (_, sample_size, runs) => {
    const variant = readVariant('uneven-size', 'unet2d-condition-variants');
    const config = { ...variant.config, sample_size };
    const graph = unet2dConditionModel.build(config, weightsFrom(variantWeights(variant)));
    const golden = feedsOf(loadFixtureTensors('unet2d-condition-variants/uneven-size.safetensors'));
    const at = (height: number, width: number) =>
      evaluateGraph(graph, { ...golden, sample: float32([2, 4, height, width], new Float32Array(8 * height * width)) });
    expect(at(16, 8).out.shape).toEqual([2, 4, 16, 8]);
    if (runs) expect(at(9, 13).out.shape).toEqual([2, 4, 9, 13]);
    else {
      expect(() => at(9, 13)).toThrow(
        expect.objectContaining({ code: 'SHAPE_MISMATCH', field: expect.stringContaining('up_blocks') }),
      );
    }
  });

  it.each(['uneven-size', 'uneven-size-unpadded'])('is cut as models for even sizes are: %s', (name) => {
    const variant = readVariant(name, 'unet2d-condition-variants');
    const weights = variantWeights(variant);
    const feeds = feedsOf(loadFixtureTensors(`unet2d-condition-variants/${name}.safetensors`));
    expectRandomRemovals({ modelClass: unet2dConditionModel, config: variant.config, weights, feeds }, 1);
    const [uneven, even] = [variant.config, { ...variant.config, sample_size: 16 }].map((config) =>
      couple(unet2dConditionModel.build(config, weightsFrom(weights))),
    );
    expect(uneven!.groups.map(({ id, size }) => [id, size])).toEqual(even!.groups.map(({ id, size }) => [id, size]));
  });

  it('keeps the waves of the timestep whole where a guidance scale is added to them', () => {
    const variant = readVariant('guided', 'unet2d-condition-variants');
    const weights = variantWeights(variant);
    const feeds = feedsOf(loadFixtureTensors('unet2d-condition-variants/guided.safetensors'));
    expectRandomRemovals({ modelClass: unet2dConditionModel, config: variant.config, weights, feeds }, 1);
    const { notPruned } = couple(unet2dConditionModel.build(variant.config, weightsFrom(weights)));
    expect(notPruned).toContainEqual(
      expect.objectContaining({
        tensor: 'time_embedding.cond_proj.weight',
        axis: 0,
        reason: "follows from the model's configuration",
      }),
    );
  });

  it('has the gradients of a model for even sizes, at one', () => {
    const variant = readVariant('uneven-size', 'unet2d-condition-variants');
    const wrt = ['conv_in.weight', 'mid_block.resnets.0.conv1.weight', 'up_blocks.1.upsamplers.0.conv.weight'];
    const [sample, target] = [2, 1].map((step) =>
      float32(
        [2, 4, 16, 8],
        new Float32Array(1024).map((_, i) => Math.sin(step * i)),
      ),
    );
    const feeds = {
      ...feedsOf(loadFixtureTensors('unet2d-condition-variants/uneven-size.safetensors')),
      sample,
      target,
    };
    const [uneven, even] = [[11, 18], 16].map((sample_size) => {
      const config = { ...variant.config, sample_size };
      const graph = unet2dConditionModel.build(config, weightsFrom(variantWeights(variant)));
      return evaluateGraph(gradient(graph, { loss: { kind: 'mse', output: 'out', target: 'target' }, wrt }), feeds);
    });
    for (const name of wrt) {
      const [one, other] = [uneven, even].map((results) => results![`grad.${name}`]!.data as Float32Array);
      // The same sums in another order: a product with a matrix of ones and zeros instead of an average pooling.
      expectClose(one!, other!, 1e-4, name, 1e-6);
    }
  });

  it('declares inputs and outputs with symbolic sizes', () => {
    const graph = unet2dConditionModel.build(configOf('unet2d-cond-sdxl'), weightsFrom(weightsOf('unet2d-cond-sdxl')));
    expect(graph.inputs.map(({ name, dtype, shape }) => `${name} ${dtype} ${shapeText(shape)}`)).toEqual([
      'sample float32 [batch, 4, height, width]',
      'timestep int64 [batch]',
      'encoder_hidden_states float32 [batch, tokens, 32]',
      'text_embeds float32 [batch, 16]',
      'time_ids float32 [batch, 6]',
    ]);
    expect(graph.outputs.map(({ name, shape }) => `${name} ${shapeText(shape)}`)).toEqual([
      'out [batch, 4, height, width]',
    ]);
  });

  it.each(fixtures)('has shapes that follow through symbolic sizes: %s', (name) => {
    const { shape } = inferTypes(unet2dConditionModel.outline(configOf(name)).graph).get('out')!;
    const sizes = { batch: 3, height: 16, width: 24, tokens: 5 };
    expect(shape.map((dim) => evaluateDim(dim, sizes))).toEqual([3, 4, 16, 24]);
  });

  it.each([
    ['sdxl-base', '[batch, 1280]', '[batch, 6]'],
    // The refiner, whose one pooled text and five ids make the sum that its configuration gives.
    ['refiner', '[batch, 1280]', '[batch, 5]'],
  ])('tells the width of the pooled text from the number of ids: %s', (name, text, ids) => {
    const refiner = { projection_class_embeddings_input_dim: 2560 };
    const config = { ...readJson('configs/sdxl-base/config.json'), ...(name === 'refiner' ? refiner : {}) };
    const shapes = new Map(
      unet2dConditionModel.outline(config).graph.inputs.map((input) => [input.name, shapeText(input.shape)]),
    );
    expect([shapes.get('text_embeds'), shapes.get('time_ids')]).toEqual([text, ids]);
  });

  it('lets removed layers pass their input on', () => {
    const name = 'unet2d-cond-sdxl';
    const removed = [
      'mid_block.attentions.0.transformer_blocks.1',
      'down_blocks.1.attentions.0.transformer_blocks.0.attn1',
      'down_blocks.1.attentions.0.transformer_blocks.0.ff',
      'up_blocks.1.attentions.1',
      'up_blocks.2.resnets.1',
    ];
    const norms = removed.slice(1, 3).map((path) => path.replace(/attn1$/, 'norm1').replace(/ff$/, 'norm3'));
    const weights = weightsOf(name);
    for (const tensor of [...weights.keys()]) {
      const gone = [...removed, ...norms].some((path) => tensor.startsWith(`${path}.`));
      if (gone && !tensor.includes('conv_shortcut')) weights.delete(tensor);
    }
    const graph = unet2dConditionModel.build(configOf(name), weightsFrom(weights), { removed });
    const scopes = graph.nodes.map((node) => node.scope);
    for (const path of removed.slice(0, 4)) expect(scopes.filter((scope) => scope.startsWith(path))).toEqual([]);
    expect(scopes).toContain('up_blocks.2.resnets.1.conv_shortcut');
    expect(scopes).toContain('down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_q');
  });

  it('names what is wrong with the weights', () => {
    const weights = weightsOf('unet2d-cond-sd1');
    weights.delete('conv_in.bias');
    expect(() => unet2dConditionModel.build(configOf('unet2d-cond-sd1'), weightsFrom(weights))).toThrow(
      expect.objectContaining({ code: 'BAD_FILE', message: expect.stringContaining('conv_in.bias is missing') }),
    );
  });
});

describe('unet2dConditionSizes', () => {
  it('is the size of the latents, and the tokens of a prompt', () => {
    expect(unet2dConditionModel.sizes(readJson('configs/sdxl-base/config.json'))).toEqual({
      height: 128,
      width: 128,
      tokens: 77,
    });
  });
});
