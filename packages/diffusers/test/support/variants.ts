import { type Constant, constantOf, float32, sizeOf } from '@secateur/graph';
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
export const conditionVariants = ['asymmetric', 'no-middle', 'upscaler'] as const;

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
    weights.set(name, constantOf(float32(shape, numbersFor(name, shape))));
  }
  return weights;
}

function numbersFor(name: string, shape: readonly number[]): Float32Array {
  let state = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) state = Math.imul(state ^ byte, 0x01000193) >>> 0;
  const values = new Float32Array(sizeOf(shape));
  for (let i = 0; i < values.length; i++) {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    const value = (state >>> 8) / 2 ** 23 - 1;
    if (shape.length > 1) values[i] = value * Math.sqrt(3 / sizeOf(shape.slice(1)));
    else values[i] = name.endsWith('weight') ? 1 + 0.2 * value : 0.1 * value;
  }
  return values;
}
