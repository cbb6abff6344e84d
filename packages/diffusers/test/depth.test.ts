import { describe, expect, it } from 'vitest';
import { unet2dConditionModel, unet2dModel } from '../src/index.js';
import { DepthChecks } from './support/depth.js';
import { constantsOf, readJson } from './support/fixtures.js';
import { conditionVariants, readVariant, variants, variantWeights } from './support/variants.js';

/** Sizes for nets of more levels, or whose skips need even ones. */
const larger = { height: 8, width: 8 };

const cases = new Map<string, () => DepthChecks>([
  ...['unet2d-tiny', 'unet2d-cond-sd1', 'unet2d-cond-sdxl'].map((name) => {
    const make = () =>
      new DepthChecks({
        modelClass: name === 'unet2d-tiny' ? unet2dModel : unet2dConditionModel,
        config: readJson(`${name}/config.json`),
        weights: constantsOf(`${name}/diffusion_pytorch_model.safetensors`),
      });
    return [name, make] as const;
  }),
  ...variants.map((name) => {
    const make = () => {
      const variant = readVariant(name);
      return new DepthChecks({
        modelClass: unet2dModel,
        config: variant.config,
        weights: variantWeights(variant),
        symbols: larger,
      });
    };
    return [name, make] as const;
  }),
  ...conditionVariants.map((name) => {
    const make = () => {
      const variant = readVariant(name, 'unet2d-condition-variants');
      return new DepthChecks({
        modelClass: unet2dConditionModel,
        config: variant.config,
        weights: variantWeights(variant),
      });
    };
    return [name, make] as const;
  }),
]);

describe.each([...cases.keys()])('layers and blocks of %s', (name) => {
  const checks = cases.get(name)!();

  it('are found', () => {
    const { depth, groups } = checks.coupling;
    console.info(
      `${name}: ${['layer', 'block', 'pair', 'stage'].map((kind) => `${depth.filter((unit) => unit.kind === kind).length} ${kind}s`).join(', ')}; ${groups.length} groups`,
    );
    expect(depth.length).toBeGreaterThan(0);
  });

  it('each alone: rebuilt by the builder, and the same as zeros', () => checks.checkUnits());

  it('some at a time: rebuilt, saved and loaded', () => checks.checkSets([1, 2, 3]));
});
