import { SecateurError } from '@secateur/graph';
import type { NoiseProcess, PredictionType, Sampler, TorchGenerator } from '@secateur/samplers';
import { checkRange } from './check-range.js';

/**
 * How the timestep of every sample is drawn.
 * - `uniform`: each by itself, evenly
 * - `antithetic`: evenly for one half of the batch, mirrored (`T - 1 - t`) for the other, so that every batch spans the schedule
 * - a list: evenly from these, e.g. the steps of a few-step sampler
 */
export type TimestepSampling = 'uniform' | 'antithetic' | readonly number[];

/**
 * Timesteps for a batch. Flow matching has no data-free timestep 0: there they are 1..T.
 *
 * @throws {SecateurError} BAD_OPTION when a listed timestep is outside the schedule
 */
export function drawTimesteps(
  sampling: TimestepSampling,
  { process, prediction }: Sampler,
  batch: number,
  generator: TorchGenerator,
): number[] {
  const total = process.trainTimesteps;
  if (typeof sampling !== 'string') return generator.randint(sampling.length, batch).map((i) => sampling[i]);
  const first = prediction === 'flow_prediction' ? 1 : 0;
  if (sampling === 'uniform') return generator.randint(total, batch).map((t) => t + first);
  const half = generator.randint(total, Math.ceil(batch / 2));
  return Array.from(
    { length: batch },
    (_, i) => first + (i < half.length ? half[i] : total - 1 - half[i - half.length]),
  );
}

/** @throws {SecateurError} BAD_OPTION */
export function checkTimestepSampling(sampling: TimestepSampling, { process }: Sampler): void {
  if (sampling === 'uniform' || sampling === 'antithetic') return;
  if (typeof sampling === 'string' || sampling.length === 0) {
    throw new SecateurError('BAD_OPTION', `"${sampling}" is no way to draw timesteps.`, {
      field: 'timesteps',
      hint: 'Choose uniform or antithetic, or give a list of timesteps.',
    });
  }
  // The process itself refuses what it has no noise for.
  for (const timestep of sampling) process.noise(timestep);
}

/** `none`, or min-SNR with its gamma, 5 in the paper. */
export type LossWeighting = 'none' | { readonly minSnr: number };

/** @throws {SecateurError} BAD_OPTION */
export function checkLossWeighting(weighting: LossWeighting): void {
  if (weighting !== 'none') checkRange('weighting.minSnr', weighting.minSnr, Number.MIN_VALUE);
}

/**
 * What the squared error of a sample at a timestep is multiplied with. min-SNR (Hang et al., 2303.09556) weighs the error of
 * the clean sample by `min(SNR, gamma)`, SNR = signal^2 / noise^2; in terms of what the model predicts that is
 *
 *   epsilon  min(SNR, gamma) / SNR          sample  min(SNR, gamma)
 *   v        min(SNR, gamma) / (SNR + 1)    flow    min(SNR, gamma) * noise^2
 */
export function lossWeight(
  weighting: LossWeighting,
  process: NoiseProcess,
  prediction: PredictionType,
  timestep: number,
): number {
  if (weighting === 'none') return 1;
  const signal = process.signal(timestep) ** 2;
  const noise = process.noise(timestep) ** 2;
  const bounded = Math.min(signal / noise, weighting.minSnr);
  switch (prediction) {
    case 'epsilon':
      // SNR 0 (pure noise) gives bounded / SNR = 1: both are the same number there.
      return signal === 0 ? 1 : (bounded * noise) / signal;
    case 'sample':
      return bounded;
    case 'v_prediction':
      return (bounded * noise) / (signal + noise);
    case 'flow_prediction':
      return bounded * noise;
  }
}
