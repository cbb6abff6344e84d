import { evaluateDim, evaluateGraph, inferTypes, shapeText, subgraph } from '@secateur/graph';
import { expectClose, loadFixtureTensors } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { autoencoderKL, countParameters, weightsFrom } from '../../src/index.js';
import { constantsOf, feedsOf, readJson } from '../support/fixtures.js';
import { expectGradients } from '../support/model-class.js';
import { autoencoderVariants, readVariant, variantWeights } from '../support/variants.js';

// float32 sums in another order than PyTorch's, over some tens of layers.
const tolerance = 1e-4;

const config = readJson('autoencoder-kl/config.json');
const weights = () => constantsOf('autoencoder-kl/diffusion_pytorch_model.safetensors');
const build = () => autoencoderKL.build(config, weightsFrom(weights()), undefined, { strict: true });

describe('autoencoderKL.tensors', () => {
  it('counts exactly the parameters of Stable Diffusion’s', () => {
    expect(countParameters(autoencoderKL.tensors(readJson('configs/sd-vae/config.json')))).toBe(83_653_863);
  });

  it('counts exactly those of FLUX: sixteen latent channels, and no convolutions around them', () => {
    const flux = {
      ...readJson('configs/sd-vae/config.json'),
      latent_channels: 16,
      shift_factor: 0.1159,
      scaling_factor: 0.3611,
      use_quant_conv: false,
      use_post_quant_conv: false,
    };
    expect(countParameters(autoencoderKL.tensors(flux))).toBe(83_819_683);
  });

  it('names the tensors of diffusers', () => {
    const specs = autoencoderKL.tensors(config).map(({ name, shape }) => [name, shape] as const);
    const stored = [...weights()].map(([name, { shape }]) => [name, shape] as const);
    expect(Object.fromEntries(specs)).toEqual(Object.fromEntries(stored));
  });
});

describe('autoencoderKL.build', () => {
  it.each([
    ['out', 'golden'],
    ['moments', 'encoder-golden'],
  ])('computes what diffusers computes: %s', (output, file) => {
    const golden = loadFixtureTensors(`autoencoder-kl/${file}.safetensors`);
    const result = evaluateGraph(subgraph(build(), [output]), feedsOf(golden))[output];
    expectClose(result.data as Float32Array, golden.out.data as Float32Array, tolerance, output);
  });

  it.each(autoencoderVariants)('computes what diffusers computes: %s', (name) => {
    const variant = readVariant(name, 'autoencoder-kl-variants');
    const golden = loadFixtureTensors(`autoencoder-kl-variants/${name}.safetensors`);
    const source = weightsFrom(variantWeights(variant));
    const graph = autoencoderKL.build(variant.config, source, undefined, { strict: true });
    const results = evaluateGraph(graph, feedsOf(golden));
    for (const output of ['out', 'moments']) {
      expect(results[output].shape).toEqual(golden[output].shape);
      expectClose(results[output].data as Float32Array, golden[output].data as Float32Array, tolerance, output);
    }
  });

  it('declares halves that share no input', () => {
    const graph = build();
    const inputs = (output: string) =>
      subgraph(graph, [output]).inputs.map(({ name, dtype, shape }) => `${name} ${dtype} ${shapeText(shape)}`);
    expect(inputs('out')).toEqual(['latent float32 [batch, 4, latent_height, latent_width]']);
    expect(inputs('moments')).toEqual(['sample float32 [batch, 3, height, width]']);
    expect(graph.outputs.map(({ name, shape }) => `${name} ${shapeText(shape)}`)).toEqual([
      'out [batch, 3, 2*latent_height, 2*latent_width]',
      'moments [batch, 8, floor(height/2), floor(width/2)]',
    ]);
  });

  it('has shapes that follow through symbolic sizes, odd ones too', () => {
    const { graph } = autoencoderKL.outline(readJson('configs/sd-vae/config.json'));
    const types = inferTypes(graph);
    const sizes = { batch: 3, height: 65, width: 24, latent_height: 5, latent_width: 7 };
    for (const { name, shape } of graph.outputs) {
      const inferred = types.get(name)!.shape.map((dim) => evaluateDim(dim, sizes));
      expect(inferred).toEqual(name === 'out' ? [3, 3, 40, 56] : [3, 8, 8, 3]);
      expect(shape.map((dim) => evaluateDim(dim, sizes))).toEqual(inferred);
    }
  });

  it.each([
    ['out', 'golden'],
    ['moments', 'encoder-golden'],
  ])('has the gradients of PyTorch: %s', (output, file) => {
    const golden = loadFixtureTensors(`autoencoder-kl/${file}.safetensors`);
    expectGradients(subgraph(build(), [output]), golden, feedsOf(golden), output);
  });
});

describe('autoencoderKL.sizes', () => {
  it('is the size of the picture and that of its latent', () => {
    expect(autoencoderKL.sizes(readJson('configs/sd-vae/config.json'))).toEqual({
      height: 512,
      width: 512,
      latent_height: 64,
      latent_width: 64,
    });
  });
});
