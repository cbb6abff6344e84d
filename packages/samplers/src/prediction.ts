import { SecateurError, type Tensor } from '@secateur/graph';
import { combine } from './combine.js';
import { choiceField, type Field } from './config-fields.js';
import type { PredictionType } from './noise-process.js';

export type DiffusionPrediction = Exclude<PredictionType, 'flow_prediction'>;

export function predictionField(): Field<DiffusionPrediction> {
  return choiceField('epsilon', ['epsilon', 'sample', 'v_prediction']);
}

export function noiseOrVelocityField(): Field<'epsilon' | 'v_prediction'> {
  return choiceField('epsilon', ['epsilon', 'v_prediction']);
}

/** Signal and noise coefficients at the sample's noise level: `sample = alpha * x0 + sigma * eps`. */
export interface Level {
  readonly alpha: number;
  readonly sigma: number;
}

/** The level of a variance-preserving process with this cumulative alpha, in float32. */
export function levelOf(alphaCumprod: number): Level {
  return {
    alpha: Math.fround(Math.sqrt(alphaCumprod)),
    sigma: Math.fround(Math.sqrt(Math.fround(1 - alphaCumprod))),
  };
}

/** x0 from the model's output. `flow_prediction` is the velocity `eps - x0`, whatever `alpha` is. */
export function originalFrom(prediction: PredictionType, output: Tensor, sample: Tensor, level: Level): Tensor {
  const { alpha, sigma } = level;
  switch (prediction) {
    case 'epsilon':
      return combine([1 / alpha, sample], [-sigma / alpha, output]);
    case 'sample':
      return output;
    case 'v_prediction':
      return combine([alpha, sample], [-sigma, output]);
    case 'flow_prediction':
      return combine([1, sample], [-sigma, output]);
  }
}

/** The noise from the model's output. */
export function noiseFrom(prediction: PredictionType, output: Tensor, sample: Tensor, level: Level): Tensor {
  const { alpha, sigma } = level;
  switch (prediction) {
    case 'epsilon':
      return output;
    case 'sample':
      return combine([1 / sigma, sample], [-alpha / sigma, output]);
    case 'v_prediction':
      return combine([alpha, output], [sigma, sample]);
    case 'flow_prediction':
      return combine([1, sample], [alpha, output]);
  }
}

/** @throws {SecateurError} BAD_CONFIG when the noise must be divided by a signal of zero */
export function refuseEpsilonWithoutSignal(
  prediction: PredictionType,
  alphas: Float32Array,
  timesteps: readonly number[],
): void {
  const empty = prediction === 'epsilon' ? timesteps.find((timestep) => alphas[timestep] === 0) : undefined;
  if (empty === undefined) return;
  throw new SecateurError(
    'BAD_CONFIG',
    `At timestep ${empty} nothing is left of the signal, so x0 cannot be had from predicted noise.`,
    {
      field: 'rescale_betas_zero_snr',
      hint: 'Use prediction_type v_prediction or sample, or set rescale_betas_zero_snr to false.',
    },
  );
}
