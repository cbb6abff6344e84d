import { describe, expect, it } from 'vitest';
import {
  isEmptyOverrides,
  overridesOf,
  structureOf,
  unet2dConditionModel,
  unet2dModel,
  weightsFrom,
} from '../src/index.js';
import { constantsOf, readJson } from './support/fixtures.js';
import { readVariant, variants, variantWeights } from './support/variants.js';

const config = readJson('unet2d-tiny/config.json');
const weights = () => constantsOf('unet2d-tiny/diffusion_pytorch_model.safetensors');

describe('structureOf', () => {
  it('reads heads, scales and norm groups by module', () => {
    const { heads, scale, normGroups } = structureOf(unet2dModel.outline(config).graph);
    expect(heads).toEqual({
      'down_blocks.1.attentions.0': 4,
      'mid_block.attentions.0': 4,
      'up_blocks.0.attentions.0': 4,
      'up_blocks.0.attentions.1': 4,
    });
    expect(scale['mid_block.attentions.0']).toBeCloseTo(8 ** -0.5, 7);
    expect(normGroups.conv_norm_out).toBe(4);
    expect(Object.keys(normGroups)).toHaveLength(21);
  });
});

describe('overridesOf', () => {
  it.each(variants)('is empty for a model that is what its configuration says: %s', (name) => {
    const variant = readVariant(name);
    const graph = unet2dModel.build(variant.config, weightsFrom(variantWeights(variant)));
    expect(isEmptyOverrides(overridesOf(graph, unet2dModel.outline(variant.config)))).toBe(true);
  });

  it('gives back the overrides that a graph was built with', () => {
    const overrides = {
      heads: { 'mid_block.attentions.0': 2 },
      scale: { 'up_blocks.0.attentions.1': 0.25 },
      normGroups: { 'down_blocks.0.resnets.0.norm2': 2 },
      removed: ['down_blocks.1.attentions.0', 'down_blocks.1.resnets.0'],
    };
    const left = weights();
    for (const name of [...left.keys()]) {
      const gone = overrides.removed.some((path) => name.startsWith(`${path}.`));
      if (gone && !name.includes('conv_shortcut')) left.delete(name);
    }
    const graph = unet2dModel.build(config, weightsFrom(left), overrides);
    const found = overridesOf(graph, unet2dModel.outline(config));
    expect({ ...found, removed: [...(found.removed ?? [])].sort() }).toEqual(overrides);
  });

  it('names the outermost of removed modules, and layers of transformer blocks', () => {
    const name = 'unet2d-cond-sdxl';
    const json = readJson(`${name}/config.json`);
    const block = 'mid_block.attentions.0.transformer_blocks';
    const removed = ['down_blocks.1.attentions.0', 'up_blocks.2.resnets.0', `${block}.0.attn2`, `${block}.1`];
    const left = constantsOf(`${name}/diffusion_pytorch_model.safetensors`);
    for (const tensor of [...left.keys()]) {
      const gone = [...removed, `${block}.0.norm2`].some((path) => tensor.startsWith(`${path}.`));
      if (gone && !tensor.includes('conv_shortcut')) left.delete(tensor);
    }
    const graph = unet2dConditionModel.build(json, weightsFrom(left), { removed });
    const found = overridesOf(graph, unet2dConditionModel.outline(json)).removed ?? [];
    expect([...found].sort()).toEqual([...removed].sort());
  });
});
