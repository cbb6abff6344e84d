import { type Constant, constantOf, float32 } from '@secateur/graph';
import { namedWeights } from '@secateur/testkit';
import { readJson } from './fixtures.js';

/** Small models of every kind, whose outputs diffusers computed: see tools/reference/unet2d_variants.py. */
export const variants = [
  'old-attention-names',
  'odd-width',
  'scale-shift',
  'resnet-samplers',
  'learned-time',
  'skip',
  'attention-skip',
  'k',
] as const;

export interface Variant {
  config: Record<string, unknown>;
  tensors: Record<string, number[]>;
}

/** The same for UNet2DConditionModel: see tools/reference/unet2d_condition_variants.py. */
export const conditionVariants = [
  'asymmetric',
  'no-middle',
  'upscaler',
  'guided',
  'uneven-size',
  'uneven-size-unpadded',
] as const;

/** The same for AutoencoderKL: see tools/reference/autoencoder_kl_variants.py. */
export const autoencoderVariants = [
  'sixteen-latents',
  'no-attention',
  'old-attention-names',
  'attention-blocks',
] as const;

export function readVariant(name: string, folder = 'unet2d-variants'): Variant {
  return readJson(`${folder}/${name}.json`) as unknown as Variant;
}

/** The weights that the reference script computed the outputs with. */
export function variantWeights({ tensors }: Variant): Map<string, Constant> {
  const weights = new Map<string, Constant>();
  for (const [name, shape] of Object.entries(tensors)) {
    weights.set(name, constantOf(float32(shape, namedWeights(name, shape))));
  }
  return weights;
}
