import { float32, type Tensor, toFloat32 } from '@secateur/graph';
import { alphasCumprod, type BetaFields } from '../betas.js';
import { combine } from '../combine.js';
import type { Values } from '../config-fields.js';
import type { PredictionType } from '../noise-process.js';
import { originalFrom } from '../prediction.js';
import { respacedSigmas, sigmaAt, sigmasOf, timestepOfSigma } from '../sigmas.js';
import { type Spacing, spacedTimesteps } from '../timestep-spacing.js';

/** Stands for a cumulative alpha of exactly 0, whose sigma would be infinite. */
export const almostNoSignal: number = 2 ** -24;

/** Timesteps with their sigmas; the sigmas have one value more, the end. */
export interface SigmaSchedule {
  readonly timesteps: readonly number[];
  readonly sigmas: Float32Array;
}

/** What the samplers that work on `x0 + sigma * eps` have in common. */
export interface SigmaConfig extends Values<BetaFields> {
  readonly timestep_spacing: Spacing;
  readonly steps_offset: number;
  readonly use_karras_sigmas?: boolean;
  readonly use_exponential_sigmas?: boolean;
  readonly sigma_min?: number | null;
  readonly sigma_max?: number | null;
}

export function sigmaAlphas(config: Values<BetaFields>, zeroSnr = false): Float32Array {
  return alphasCumprod(config, { zeroSnr, last: almostNoSignal });
}

/** Sigmas of evenly spaced timesteps, or of the configuration's own sequence; then `end`. */
export function sigmaSchedule(config: SigmaConfig, alphas: Float32Array, steps: number, end: number): SigmaSchedule {
  const timesteps = spacedTimesteps(config.timestep_spacing, steps, {
    trainTimesteps: config.num_train_timesteps,
    offset: config.steps_offset,
    rounded: false,
  });
  const table = sigmasOf(alphas);
  const sigmas = timesteps.map((timestep) => sigmaAt(table, timestep));
  const respaced = respacedSigmas(
    {
      use_karras_sigmas: config.use_karras_sigmas ?? false,
      use_exponential_sigmas: config.use_exponential_sigmas ?? false,
    },
    config.sigma_max ?? sigmas[0],
    config.sigma_min ?? sigmas[steps - 1],
    steps,
  );
  if (!respaced) return { timesteps, sigmas: Float32Array.from([...sigmas, end]) };
  const logSigmas = table.map(Math.log);
  return {
    timesteps: respaced.map((sigma) => Math.fround(timestepOfSigma(sigma, logSigmas))),
    sigmas: Float32Array.from([...respaced, end]),
  };
}

/** Scale of the first sample. With `leading` spacing the first sigma is not the largest, and the data's variance counts. */
export function initialScaleOf(spacing: Spacing, sigmas: Float32Array): number {
  const max = sigmas.reduce((a, b) => Math.max(a, b));
  return spacing === 'leading' ? Math.fround(Math.sqrt(max * max + 1)) : max;
}

/** The model sees `x / sqrt(sigma^2 + 1)`: the variance-preserving sample. */
export function inputScaleOf(sigma: number): number {
  return 1 / Math.sqrt(sigma * sigma + 1);
}

/** x0 from the output for a sample of the form `x0 + sigma * eps`. */
export function originalAtSigma(prediction: PredictionType, output: Tensor, sample: Tensor, sigma: number): Tensor {
  if (prediction !== 'v_prediction') return originalFrom(prediction, output, sample, { alpha: 1, sigma });
  const alpha = inputScaleOf(sigma);
  // The model's v belongs to the scaled sample.
  return originalFrom(prediction, output, combine([alpha, sample]), { alpha, sigma: sigma * alpha });
}

/** Slope of the probability-flow ODE in sigma: `(x - x0) / sigma`, the difference rounded to float32. */
export function slopeOf(sample: Tensor, x0: Tensor, sigma: number): Tensor {
  return float32(
    sample.shape,
    toFloat32(combine([1, sample], [-1, x0])).map((difference) => difference / sigma),
  );
}

/**
 * `sample + slope * step`, the product rounded to float32 before the sum: from a sigma in the thousands most digits cancel,
 * and what is left are the same ones as in PyTorch.
 */
export function stepAlong(sample: Tensor, slope: Tensor, step: number): Tensor {
  const slopes = toFloat32(slope);
  return float32(
    sample.shape,
    toFloat32(sample).map((value, i) => value + Math.fround(slopes[i] * step)),
  );
}
