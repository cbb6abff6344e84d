import { describe, expect, it } from 'vitest';
import { modelClasses, modelClassOf } from '../src/index.js';
import { DepthChecks } from './support/depth.js';
import { constantsOf, readJson } from './support/fixtures.js';
import { type ModelCase, readFixture, readTransformerVariant } from './support/model-class.js';
import { readTextEncoder } from './support/text-encoders.js';
import {
  autoencoderVariants,
  conditionVariants,
  readVariant,
  type Variant,
  variants,
  variantWeights,
} from './support/variants.js';

/** Sizes for nets of more levels, or whose skips need even ones. */
const larger = { height: 8, width: 8 };

/** Sizes that do not halve evenly, for nets that run at such; the larger three times. */
const uneven = { height: 9, width: 13 };

/** With other paths through a class' code than its fixture, as far as layers and modulations are concerned. */
const transformerVariants = [
  'dit-larger',
  'flux-double',
  'flux-single',
  'pixart-alpha',
  'pixart-self',
  'sd3-computed',
  'sd3-layer-norm',
  'sd3-medium',
];
const textEncoders = ['clip', 'clip-legacy', 'clip-projection', 't5-gated', 't5-relu', 't5-silu'];

/** Without blocks for both streams behind them, what the text's last feed-forward makes is read by nothing. */
const unread = new Map([['flux-double', ['transformer_blocks.1.ff_context']]]);

const small = (variant: Variant, symbols?: Record<string, number>): DepthChecks =>
  new DepthChecks({
    modelClass: modelClassOf(variant.config),
    config: variant.config,
    weights: variantWeights(variant),
    symbols,
  });

const transformer = (name: string, model: ModelCase): DepthChecks =>
  new DepthChecks({ ...model, modelClass: modelClassOf(model.config), unread: unread.get(name) });

const cases = new Map<string, DepthChecks>([
  ...['unet2d-tiny', 'unet2d-cond-sd1', 'unet2d-cond-sdxl'].map((name) => {
    const config = readJson(`${name}/config.json`);
    const weights = constantsOf(`${name}/diffusion_pytorch_model.safetensors`);
    return [name, new DepthChecks({ modelClass: modelClassOf(config), config, weights })] as const;
  }),
  ...variants.map((name) => [name, small(readVariant(name), larger)] as const),
  ...conditionVariants.map(
    (name) =>
      [name, small(readVariant(name, 'unet2d-condition-variants'), name.startsWith('uneven') ? uneven : {})] as const,
  ),
  ...autoencoderVariants.map(
    (name) => [`autoencoder: ${name}`, small(readVariant(name, 'autoencoder-kl-variants'))] as const,
  ),
  ...['dit', 'sd3', 'pixart', 'flux'].map((name) => [name, transformer(name, readFixture(name))] as const),
  ...transformerVariants.map((name) => [name, transformer(name, readTransformerVariant(name))] as const),
  ...textEncoders.map((name) => [name, new DepthChecks(readTextEncoder(name))] as const),
]);

it('covers every class', () => {
  const covered = new Set([...cases.values()].map(({ model }) => model.modelClass.name));
  expect([...modelClasses.keys()].filter((name) => !covered.has(name))).toEqual([]);
});

describe.each([...cases.keys()])('layers and blocks of %s', (name) => {
  const checks = cases.get(name)!;

  it('are found', () => {
    const { depth } = checks.coupling;
    expect(depth.length).toBeGreaterThan(0);
  });

  it('each alone: rebuilt by the builder, and the same as zeros', () => checks.checkUnits());

  it.runIf(name.startsWith('unet2d'))('each alone, switched off in one graph: the same as removed', () =>
    checks.checkGates(),
  );

  it('some at a time: rebuilt, saved and loaded', () => checks.checkSets([1, 2, 3]));

  it.runIf(checks.coupling.modulations.length > 0)('modulations, some at a time', () => checks.checkModulations(1));
});
