import { couple } from '@secateur/graph';
import { loadFixtureTensors } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { autoencoderKL, weightsFrom } from '../../src/index.js';
import { constantsOf, feedsOf, readJson } from '../support/fixtures.js';
import { expectRemovableModules } from '../support/model-class.js';
import { cutTies, expectRandomRemovals, type RemovalCase } from '../support/removal.js';
import { autoencoderVariants, readVariant, variantWeights } from '../support/variants.js';

const outputs = ['out', 'moments'];

function fixture(): RemovalCase {
  const feeds = ['golden', 'encoder-golden'].map((file) =>
    feedsOf(loadFixtureTensors(`autoencoder-kl/${file}.safetensors`)),
  );
  return {
    modelClass: autoencoderKL,
    config: readJson('autoencoder-kl/config.json'),
    weights: constantsOf('autoencoder-kl/diffusion_pytorch_model.safetensors'),
    feeds: { ...feeds[0], ...feeds[1] },
    outputs,
  };
}

function variantCase(name: string): RemovalCase {
  const variant = readVariant(name, 'autoencoder-kl-variants');
  const golden = loadFixtureTensors(`autoencoder-kl-variants/${name}.safetensors`);
  const weights = variantWeights(variant);
  return { modelClass: autoencoderKL, config: variant.config, weights, feeds: feedsOf(golden), outputs };
}

const graphOf = ({ config, weights }: RemovalCase) => autoencoderKL.build(config, weightsFrom(weights));

describe('coupling of an autoencoder', () => {
  it('covers 99 % of the parameters and more, and says why it leaves the others', () => {
    const coupling = couple(graphOf(fixture()));
    expect(coupling.covered / coupling.parameters).toBeGreaterThan(0.99);
    for (const { reason } of coupling.notPruned) expect(reason).toMatch(/model's (?:in|out)put|no parameter produces/);
  });

  it('keeps the halves apart', () => {
    for (const { slices } of couple(graphOf(fixture())).groups) {
      const halves = new Set(slices.map(({ tensor }) => /^(?:encoder|quant_conv)\b/.test(tensor)));
      expect(halves.size).toBe(1);
    }
  });

  it('lets go what lies between a half and the convolution beside the latent', () => {
    const ids = couple(graphOf(fixture())).groups.map(({ slices }) => slices.map(({ tensor }) => tensor));
    expect(ids).toContainEqual(['encoder.conv_out.weight', 'encoder.conv_out.bias', 'quant_conv.weight']);
    expect(ids).toContainEqual(['post_quant_conv.weight', 'post_quant_conv.bias', 'decoder.conv_in.weight']);
  });
});

describe('removal from an autoencoder', () => {
  it.each([1, 2])('equals the model rebuilt from sliced weights: seed %i', (seed) => {
    expectRandomRemovals(fixture(), seed);
  });

  it.each(autoencoderVariants)('equals the model rebuilt from sliced weights: %s', (name) => {
    expectRandomRemovals(variantCase(name), 3);
  });

  it.each(autoencoderVariants)('of a whole module equals the model with its last layer zeroed: %s', async (name) => {
    await expectRemovableModules(autoencoderKL, variantCase(name));
  });
});

describe('autoencoderKL.expressibleConfig', () => {
  it('says narrower stages of both halves; one with attention stays', () => {
    const model = fixture();
    const coupling = couple(graphOf(model));
    const ties = autoencoderKL.ties(model.config, coupling, 1);
    expect(ties.ties.map(({ name, steps }) => [name, steps])).toEqual([['stage 0', 2]]);
    expect(new Set(ties.fixed.values())).toContain(
      'the configuration derives the attention’s scale from the width of the stage',
    );
    expect(autoencoderKL.expressibleConfig(model.config, cutTies(coupling, ties, 0.5))).toEqual({
      ...model.config,
      block_out_channels: [8, 32],
    });
  });

  it('says every stage narrower where there is no attention', () => {
    const model = variantCase('no-attention');
    const coupling = couple(graphOf(model));
    const ties = autoencoderKL.ties(model.config, coupling, 1);
    expect(ties.ties.map(({ name }) => name)).toEqual(['stage 0', 'stages 1 and 2']);
    expect(autoencoderKL.expressibleConfig(model.config, cutTies(coupling, ties, 0.5))).toEqual({
      ...model.config,
      block_out_channels: [2, 4, 4],
    });
  });

  /** The variant without some modules. */
  function without(name: string, removed: readonly string[]) {
    const { config, weights } = variantCase(name);
    const left = new Map([...weights].filter(([tensor]) => !removed.some((path) => tensor.startsWith(`${path}.`))));
    return { config, graph: autoencoderKL.build(config, weightsFrom(left), { removed }) };
  }

  it('says a layer less in every stage, and middles without attention', () => {
    const stages = [0, 1, 2];
    const { config, graph } = without('sixteen-latents', [
      ...stages.map((i) => `encoder.down_blocks.${i}.resnets.1`),
      ...stages.map((i) => `decoder.up_blocks.${i}.resnets.2`),
      'encoder.mid_block.attentions.0',
      'decoder.mid_block.attentions.0',
    ]);
    expect(autoencoderKL.expressibleConfig(config, graph)).toEqual({
      ...config,
      layers_per_block: 1,
      mid_block_add_attention: false,
    });
  });

  it('says a stage whose attentions are gone', () => {
    const { config, graph } = without('attention-blocks', ['encoder.down_blocks.0.attentions.0']);
    expect(autoencoderKL.expressibleConfig(config, graph)).toEqual({
      ...config,
      down_block_types: ['DownEncoderBlock2D', 'DownEncoderBlock2D'],
    });
  });

  it('has no field for one half without the attention of its middle', () => {
    const { config, graph } = without('sixteen-latents', ['decoder.mid_block.attentions.0']);
    expect(autoencoderKL.expressibleConfig(config, graph)).toBeUndefined();
  });
});
