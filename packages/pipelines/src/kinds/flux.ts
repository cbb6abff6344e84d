import type { Model } from '@secateur/core';
import { float32, type Tensor, toFloat32, zeros } from '@secateur/graph';
import { type DenoiserInputs, refuseOtherConditions } from '../denoiser.js';
import type { TextEncoder } from '../text-encoder.js';
import { checkWidth } from './check-width.js';
import { dynamicShift } from './dynamic-shift.js';
import type { PipelineKind } from './kind.js';
import { encodeTexts } from './prompts.js';

/** Tokens of a prompt for T5. */
export const fluxTokens = 512;

/** Latents along a side of a picture of the usual size, 1,024 pixels. */
const usualSide = 128;

/**
 * FLUX: T5's states, CLIP's pooled vector, and latents in patches of 2 by 2, which know where they stand. The guidance
 * scale is an input of the model where it was distilled to take one (dev), and there is none where not (schnell).
 *
 * @throws {SecateurError} BAD_OPTION when the denoiser needs anything else; SHAPE_MISMATCH when widths differ
 */
export function flux(model: Model, inputs: DenoiserInputs, clip: TextEncoder, t5: TextEncoder): PipelineKind {
  const known = ['encoder_hidden_states', 'pooled_projections', 'img_ids', 'txt_ids', 'guidance'];
  refuseOtherConditions(model, inputs, known);
  checkWidth(inputs, 'encoder_hidden_states', [[t5.name, t5.width('last')]]);
  checkWidth(inputs, 'pooled_projections', [[clip.name, clip.width('pooled')]]);
  const input = (name: string) => inputs.conditions.find((each) => each.name === name);
  const axes = Number(input('img_ids')?.shape.at(-1));
  const isGuided = input('guidance') !== undefined;
  return {
    name: 'FLUX',
    takes: 'prompts',
    steps: isGuided ? 28 : 4,
    ...(isGuided && { guidanceScale: 3.5, embedsGuidance: true }),
    latent: [Number(inputs.sample.shape.at(-1)) / 4, usualSide, usualSide],
    sizeFactor: 2,
    takesMoreSteps: true,
    timestepScale: 1 / 1000,
    toModel: patches,
    fromModel: latents,
    plan: (height, width, { config, steps }) => ({
      ...dynamicShift(config, (height / 2) * (width / 2)),
      ...(config._class_name === 'FlowMatchEulerDiscreteScheduler' && { sigmas: falling(steps) }),
    }),
    async conditions(request) {
      const { given } = await encodeTexts([clip, t5], request, []);
      const { count, guidanceScale, latentHeight, latentWidth } = request;
      return {
        given: {
          encoder_hidden_states: given[1].last,
          pooled_projections: given[0].pooled,
          ...(isGuided && { guidance: float32([count], new Array<number>(count).fill(guidanceScale)) }),
        },
        shared: {
          img_ids: places(latentHeight / 2, latentWidth / 2, axes),
          txt_ids: zeros('float32', [given[1].last.shape[1], axes]),
        },
      };
    },
    async dispose() {
      await clip.dispose();
      await t5.dispose();
    },
  };
}

/** From 1 to 1 / steps. */
function falling(steps: number): number[] {
  return Array.from({ length: steps }, (_, i) => 1 - i / steps);
}

/** `[batch, channels, height, width]` as `[batch, height / 2 * width / 2, 4 * channels]`. */
export function patches(latent: Tensor): Tensor {
  const [batch, channels, height, width] = latent.shape;
  return float32([batch, (height * width) / 4, 4 * channels], reordered(latent, latent, true));
}

/** The other way round. `like` has the shape that comes out. */
export function latents(tokens: Tensor, like: Tensor): Tensor {
  return float32(like.shape, reordered(tokens, like, false));
}

function reordered(from: Tensor, { shape }: Tensor, toPatches: boolean): Float32Array {
  const [, channels, height, width] = shape;
  const data = toFloat32(from);
  const out = new Float32Array(data.length);
  const columns = width / 2;
  for (let i = 0; i < data.length; i++) {
    const [x, y] = [i % width, Math.floor(i / width) % height];
    const channel = Math.floor(i / width / height) % channels;
    const n = Math.floor(i / width / height / channels);
    const token = Math.floor(y / 2) * columns + Math.floor(x / 2);
    const place = (n * (height / 2) * columns + token) * 4 * channels + channel * 4 + (y % 2) * 2 + (x % 2);
    if (toPatches) out[place] = data[i];
    else out[i] = data[place];
  }
  return out;
}

/** Row and column of every patch on the second and third axis, `[rows * columns, axes]`. */
function places(rows: number, columns: number, axes: number): Tensor {
  const out = new Float32Array(rows * columns * axes);
  for (let i = 0; i < rows * columns; i++) {
    out[i * axes + 1] = Math.floor(i / columns);
    out[i * axes + 2] = i % columns;
  }
  return float32([rows * columns, axes], out);
}
