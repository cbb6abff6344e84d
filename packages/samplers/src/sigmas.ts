import { SecateurError } from '@secateur/graph';
import { type Field, flagField, offField } from './config-fields.js';
import { evenly } from './timestep-spacing.js';

/** Fields that replace the sigmas of the timesteps by a sequence of their own. */
export const sigmaSpacingFields: {
  readonly use_karras_sigmas: Field<boolean>;
  readonly use_exponential_sigmas: Field<boolean>;
  readonly use_beta_sigmas: Field<boolean | null>;
} = {
  use_karras_sigmas: flagField(false),
  use_exponential_sigmas: flagField(false),
  use_beta_sigmas: offField(false),
};

/** Noise over signal at every training timestep: `sqrt((1 - alphaBar) / alphaBar)`, float32, rising. */
export function sigmasOf(alphasCumprod: Float32Array): Float32Array {
  return alphasCumprod.map((alpha) => Math.sqrt(Math.fround(Math.fround(1 - alpha) / alpha)));
}

/** The sigma at a timestep, between two by straight line. */
export function sigmaAt(sigmas: Float32Array, timestep: number): number {
  const low = Math.min(Math.max(Math.floor(timestep), 0), sigmas.length - 1);
  const high = Math.min(low + 1, sigmas.length - 1);
  return sigmas[low] + (sigmas[high] - sigmas[low]) * (timestep - low);
}

/** The timestep that has this sigma: a straight line between the logarithms of its neighbours; a fraction. */
export function timestepOfSigma(sigma: number, logSigmas: Float32Array): number {
  const log = Math.log(Math.max(sigma, 1e-10));
  let low = 0;
  for (let i = 1; i < logSigmas.length - 1; i++) if (log >= logSigmas[i]) low = i;
  const share = (logSigmas[low] - log) / (logSigmas[low] - logSigmas[low + 1]);
  return low + Math.min(Math.max(share, 0), 1);
}

/** Sigmas evenly spaced in `sigma^(1/7)` (Karras et al., 2206.00364, equation 5). */
export function karrasSigmas(max: number, min: number, steps: number): number[] {
  const rho = 7;
  const from = max ** (1 / rho);
  const to = min ** (1 / rho);
  return evenly(0, 1, steps).map((t) => (from + t * (to - from)) ** rho);
}

/** Sigmas evenly spaced in their logarithm. */
export function exponentialSigmas(max: number, min: number, steps: number): number[] {
  return evenly(Math.log(max), Math.log(min), steps).map(Math.exp);
}

/** The sigma sequence that a configuration asks for instead of the timesteps' own, if any. */
export function respacedSigmas(
  config: { use_karras_sigmas: boolean; use_exponential_sigmas: boolean },
  max: number,
  min: number,
  steps: number,
): number[] | undefined {
  if (config.use_karras_sigmas && config.use_exponential_sigmas) {
    throw new SecateurError('BAD_CONFIG', 'use_karras_sigmas and use_exponential_sigmas are both true; choose one.', {
      field: 'use_karras_sigmas',
    });
  }
  if (config.use_karras_sigmas) return karrasSigmas(max, min, steps);
  return config.use_exponential_sigmas ? exponentialSigmas(max, min, steps) : undefined;
}

/** Flow matching's shift towards noise: `shift * s / (1 + (shift - 1) * s)` (Esser et al., 2403.03206). */
export function shiftSigma(sigma: number, shift: number): number {
  return (shift * sigma) / (1 + (shift - 1) * sigma);
}
